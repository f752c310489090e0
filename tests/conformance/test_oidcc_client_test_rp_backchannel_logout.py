"""oidcc-client-test-rp-backchannel-logout: a valid logout token.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout`)
Spec: OpenID Connect Back-Channel Logout §2.4 to §2.8
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_gate.testing import Fault
from oidc_gate.testing.provider.logout import EVENT
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import FORM, claim


def test_a_person_is_signed_out_everywhere(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    alice, alice_too, bob = party.signs_in(), party.signs_in(), party.signs_in("bob")
    delivery = party.told(sub="alice")
    assert (delivery.status, delivery.body) == (200, "")
    refused = alice.get("/")
    assert (refused.status, refused.json["code"]) == (401, "session_revoked")
    assert not alice_too.is_on()
    assert bob.is_on()
    party.tried("`sub`: every session of the user ends, sessions of other users stay")
    party.ahead += 2
    party.signs_in(what="a new sign-in afterwards")


def test_one_session_at_the_provider(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    first = party.signs_in()
    sid = party.op.sid_of("alice")
    second = party.signs_in()
    assert party.op.sid_of("alice") != sid
    assert party.told(sid=sid).status == 200
    assert (first.is_on(), second.is_on()) == (False, True)
    assert party.told(sub="alice", sid=party.op.sid_of("alice")).status == 200
    assert not second.is_on()
    party.tried("`sid`, with `sub` and without: that session ends, other sessions of the same user stay")


def test_sub_and_sid_of_different_people(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    alice, bob = party.signs_in(), party.signs_in("bob")
    assert party.told(sub="bob", sid=party.op.sid_of("alice")).status == 200
    assert (alice.is_on(), bob.is_on()) == (True, True)


def test_neither_sub_nor_sid(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("sub", expected="sub or sid", got="nothing", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_NEITHER_SUB_NOR_SID, wanted)


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "application/at+jwt", "secevent+jwt"])
def test_another_type_of_token(make_party: MakeParty, typ: str) -> None:
    party = make_party(insecure_single_process_revocation=True)
    browser, now = party.signs_in(), int(party.clock())
    claims = {"iss": party.op.issuer, "aud": "gate", "iat": now, "exp": now + 60, "jti": "j", "sub": "alice"}
    claims["events"] = {EVENT: {}}
    for header, status in (({"typ": typ}, 400), ({"typ": "logout+jwt"}, 200)):
        body = urlencode({"logout_token": party.op.sign(claims, header=header)}).encode()
        answer = party.visitor().open("POST", party.path("backchannel_logout"), FORM, body)
        assert answer.status == status
        assert browser.is_on() is (status == 400)
    assert f"logout_token: typ: expected 'jose or jwt or logout+jwt', got '{typ}'" in party.caplog.text
    party.tried(f"`typ` {typ}: 400 `logout_token_typ`, the session stays; with `logout+jwt` it is accepted")


@pytest.mark.parametrize(
    ("name", "seconds"), [("iat", -700), ("iat", 120), ("nbf", 120), ("exp", -100), ("exp", None)]
)
def test_a_token_of_another_time(make_party: MakeParty, name: str, seconds: int | None) -> None:
    party = make_party(insecure_single_process_revocation=True)
    browser, now = party.signs_in(), int(party.clock())
    claims = {"iss": party.op.issuer, "aud": "gate", "iat": now, "exp": now + 60, "jti": "j", "sub": "alice"}
    claims |= {"events": {EVENT: {}}, name: None if seconds is None else now + seconds}
    body = urlencode({"logout_token": party.op.sign(claims)}).encode()
    answer = party.visitor().open("POST", party.path("backchannel_logout"), FORM, body)
    assert (answer.status, f"logout_token_{name}: " in answer.text) == (400, True)
    assert browser.is_on()


def test_signed_with_the_client_secret(make_party: MakeParty) -> None:
    registered = {"id_token_signed_response_alg": "HS256"}
    settings: dict[str, Any] = {"id_token_algorithms": ("HS256",), "insecure_single_process_revocation": True}
    party = make_party(client=registered, **settings)
    browser = party.signs_in()
    assert party.told(sub="alice").status == 200
    assert not browser.is_on()
    party.tried("HS256, which is configured: the session ends")


def test_without_a_shared_store(make_party: MakeParty) -> None:
    party = make_party()
    alice = party.signs_in()
    delivery = party.told(sub="alice")
    assert delivery.status == 400
    assert json.loads(delivery.body)["error_description"].startswith("not_supported: ")
    assert alice.is_on()
    (line,) = (line for line in party.caplog.records if line.levelname == "ERROR")
    assert "needs a session store that all processes share" in line.getMessage()
    assert "insecure_single_process_revocation" in line.getMessage()
    party.tried("no shared store: 400 `not_supported`, and the log says what to set")


@pytest.mark.parametrize("body", [b"", b"logout_token=", b"logout_token=x&logout_token=x", b"a" * 200_000])
def test_no_logout_token_at_all(make_party: MakeParty, body: bytes) -> None:
    party = make_party(insecure_single_process_revocation=True)
    browser = party.signs_in()
    answer = party.visitor().open("POST", party.path("backchannel_logout"), FORM, body)
    assert answer.status == 400
    assert answer.header("cache-control") == "no-store"
    assert browser.is_on()
    assert party.visitor().ask("backchannel_logout").status == 405


def test_keys_that_cannot_be_had(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    with party.op.misbehaving(Fault.SERVER_ERROR, at="jwks"):
        party.wire.open()
        (delivery,) = party.op.back_channel_logout(sub="alice")
    assert delivery.status == 503
    party.tried("the keys are not available: 503, so that the provider sends it again")
