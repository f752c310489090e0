"""oidcc-client-test-rp-frontchannel-logout: the provider's sign-out page loads the gate's page in a frame.

Profile: Front-Channel Logout (in the suite: `-rp-frontchannel-rpinitlogout`)
Spec: OpenID Connect Front-Channel Logout §2, §3
"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Browser, Party
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, NAVIGATION

OWN_OR_NONE = [("DENY", "frame-ancestors 'none'"), ("SAMEORIGIN", "frame-ancestors 'self'")]


def open_frame(party: Party, browser: Browser, query: dict[str, str], *, with_cookie: bool = False) -> Answer:
    headers = NAVIGATION | {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}
    # A browser withholds a Lax cookie in a frame of another site.
    kept = {} if with_cookie else {"Cookie": ""}
    return browser.open("GET", f"{party.path('frontchannel_logout')}?{urlencode(query)}", headers | kept)


@pytest.mark.parametrize("with_cookie", [True, False])
def test_the_session_that_is_named_ends(make_party: MakeParty, with_cookie: bool) -> None:
    party = make_party(insecure_single_process_revocation=True)
    alice, bob = party.signs_in(), party.signs_in("bob")
    kept = dict(alice.cookies)
    query = {"iss": party.op.issuer, "sid": party.op.sid_of("alice")}
    answer = open_frame(party, alice, query, with_cookie=with_cookie)
    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    assert (COOKIE in alice.cookies) is not with_cookie
    alice.cookies = kept
    assert not alice.is_on()
    assert bob.is_on()
    party.tried(
        f"iss and sid, {'with' if with_cookie else 'without'} the cookie: the session ends, others stay"
    )
    party.ahead += 2
    party.signs_in(what="a new sign-in afterwards")


def test_with_a_cookie_it_needs_no_store(party: Party) -> None:
    alice = party.signs_in()
    kept = dict(alice.cookies)
    query = {"iss": party.op.issuer, "sid": party.op.sid_of("alice")}
    assert open_frame(party, alice, query, with_cookie=True).status == 200
    assert COOKIE not in alice.cookies
    alice.cookies = kept
    assert not alice.is_on()


def test_without_a_cookie_and_a_store_the_log_says_that_nothing_ended(party: Party) -> None:
    alice = party.signs_in()
    query = {"iss": party.op.issuer, "sid": party.op.sid_of("alice")}
    assert open_frame(party, alice, query).status == 200
    assert alice.is_on()
    assert "no session ended: no_cookie, and there is no shared store" in party.caplog.text


def test_the_session_of_somebody_else(party: Party) -> None:
    alice = party.signs_in()
    party.signs_in("bob")
    query = {"iss": party.op.issuer, "sid": party.op.sid_of("bob")}
    answer = open_frame(party, alice, query, with_cookie=True)
    assert (answer.status, answer.all("set-cookie")) == (200, [])
    assert alice.is_on()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"sid": "SID"}, "frontchannel_iss"),
        ({"iss": "https://evil.example", "sid": "SID"}, "frontchannel_iss"),
        ({"iss": "ISS"}, "frontchannel_sid"),
        ({"iss": "ISS", "sid": "x" * 300}, "frontchannel_sid"),
    ],
)
def test_not_without_iss_and_sid(make_party: MakeParty, query: dict[str, str], code: str) -> None:
    party = make_party(insecure_single_process_revocation=True)
    alice = party.signs_in()
    real = {"ISS": party.op.issuer, "SID": party.op.sid_of("alice")}
    asked = {name: real.get(value, value) for name, value in query.items()}
    answer = open_frame(party, alice, asked, with_cookie=True)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert alice.is_on()
    assert code in party.caplog.text
    party.tried(f"{' and '.join(query)} missing or wrong: 400 `{code}`, the session stays")


def test_it_is_the_one_page_that_may_be_framed(party: Party) -> None:
    alice = party.signs_in()
    query = {"iss": party.op.issuer, "sid": party.op.sid_of("alice")}
    framed = open_frame(party, alice, query)
    assert framed.header("x-frame-options") == ""
    assert "frame-ancestors" not in framed.header("content-security-policy")
    headers = NAVIGATION | {"Sec-Fetch-Dest": "iframe"}
    for name in ("sign_in", "signed_out", "sign_out", "callback", "unavailable", "frontchannel_logout/x"):
        other = party.visitor().open("GET", party.path(name), headers)
        if other.is_page:
            # A frame of our own may show a page with a link that opens at the top, and no form.
            option, ancestors = other.header("x-frame-options"), other.header("content-security-policy")
            assert (option, ancestors.rpartition("; ")[2]) in OWN_OR_NONE, name
            assert option == "DENY" or "<form" not in other.text, name
        else:
            assert other.status in (401, 404), name
