"""oidcc-client-test-scope-userinfo-claims: the claims of the scopes come from userinfo.

Profile: Basic
Spec: OpenID Connect Core §5.3, §5.4
"""

from __future__ import annotations

from tests.conformance.conftest import MakeParty
from tests.conformance.driver import query_of

SCOPES = ("openid", "email", "profile", "groups")


def test_the_application_knows_the_claims(make_party: MakeParty) -> None:
    party = make_party(provider={"claims_in_id_token": False}, scopes=SCOPES)
    browser = party.visitor()
    location = party.begin(browser)
    pushed = [asked for asked in party.op.requests if asked.path == "/par"]
    assert (pushed[0].form if pushed else query_of(location))["scope"] == " ".join(SCOPES)
    party.come_back(browser, location)
    assert browser.is_on()
    who = party.app.identity
    assert who is not None
    assert (who.email, who.email_verified) == ("alice@example.com", True)
    assert (who.name, who.preferred_username) == ("Alice Example", "alice")
    assert who.groups == ("staff", "admins")
    party.tried("scopes openid email profile groups: the application sees each claim")
