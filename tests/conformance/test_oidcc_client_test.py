"""oidcc-client-test: a sign-in without faults.

Profile: Basic
Spec: OpenID Connect Core §3.1; RFC 7636; RFC 9207
"""

from __future__ import annotations

import base64
import hashlib

from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party, query_of


def test_the_request_is_what_it_should_be(make_party: MakeParty) -> None:
    party = make_party(pushed_authorization_requests="never")
    browser = party.visitor()
    location = party.begin(browser)
    asked = query_of(location)
    assert location.startswith(f"{party.op.issuer}/authorize?")
    assert (asked["response_type"], asked["client_id"]) == ("code", "gate")
    assert asked["redirect_uri"] == "https://app.example/oauth2/callback"
    assert asked["scope"].split()[0] == "openid"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    party.come_back(browser, location)
    (redeemed,) = (each for each in party.op.requests if each.path == "/token")
    challenge = hashlib.sha256(redeemed.form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked["code_challenge"]
    assert redeemed.form["redirect_uri"] == asked["redirect_uri"]
    assert browser.is_on()


def test_it_signs_in_and_comes_back_to_the_page(party: Party) -> None:
    first, second = party.signs_in(), party.signs_in("bob")
    assert (first.is_on(), second.is_on()) == (True, True)
    requests = party.op.requests
    for name in ("state", "nonce", "code_challenge"):
        values = [each.form.get(name) or each.query.get(name) for each in requests if each.path == "/par"]
        assert len(set(values)) == 2, f"{name} is new at every sign-in"


def test_the_same_answer_twice(party: Party) -> None:
    browser = party.visitor()
    answered = browser.http.get(party.begin(browser), allow_redirects=False, timeout=60)
    cookies = dict(browser.cookies)
    assert browser.navigate(answered.headers["Location"]).status == 302
    browser.cookies = cookies  # the flow's cookie once more, and no session
    again = browser.navigate(answered.headers["Location"])
    assert (again.status, "<code>flow_used</code>" in again.text) == (400, True)
    assert party.fetched("/token") == 1
    party.tried("the same response again: the code is not sent twice, `flow_used`")
