"""The provider's key set: one bad key does not sink it, it rotates, and nobody makes us fetch it without end."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import FORM, Party, claim

UNKNOWN = claim("kid", expected="a key of the provider for ES256", got=".+")


def test_unreadable_keys_do_not_count(party: Party) -> None:
    with party.op.misbehaving(Fault.JWKS_WITH_UNREADABLE_KEY):
        party.signs_in()
    lines = [line.getMessage() for line in party.caplog.records if line.levelname == "WARNING"]
    assert len(lines) == 5
    assert "number 0 (kid off-the-curve) is ignored: unreadable" in lines[0]


def test_an_unknown_key_a_thousand_times(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    party.signs_in()
    assert party.fetched("/jwks") == 1
    now = party.clock()
    party.world.clock = lambda: now
    for number in range(1000):
        token = party.op.sign({"iss": party.op.issuer}, header={"kid": f"unknown-{number}"})
        body = urlencode({"logout_token": token}).encode()
        answer = party.visitor().open("POST", party.path("backchannel_logout"), FORM, body)
        assert (answer.status, "logout_token_kid" in answer.text) == (400, True)
    assert party.fetched("/jwks") == 2, "once for all of them, within a minute that stands still"


def test_an_unknown_key_at_sign_in_is_asked_for_once_a_minute(party: Party) -> None:
    party.signs_in()
    with party.op.misbehaving(Fault.UNKNOWN_KID, unique=True):
        for minute in range(3):
            for _ in range(4):
                browser = party.visitor()
                party.refused(browser, party.come_back(browser, party.begin(browser)), UNKNOWN)
            assert party.fetched("/jwks") == 2 + minute
            party.ahead += 61
    party.signs_in()


@pytest.mark.parametrize("keep_old", [True, False])
def test_keys_rotate_again_within_the_minute_and_after_it(party: Party, keep_old: bool) -> None:
    party.signs_in()
    party.op.rotate_keys(keep_old=keep_old)
    party.signs_in()
    party.op.rotate_keys(keep_old=keep_old)
    browser = party.visitor()
    party.refused(browser, party.come_back(browser, party.begin(browser)), UNKNOWN)
    party.ahead += 61
    party.signs_in()


def test_the_old_keys_serve_while_the_key_set_is_down(party: Party) -> None:
    party.signs_in()
    party.ahead += 3700
    with party.op.misbehaving(Fault.SERVER_ERROR, at="jwks"):
        party.signs_in()
    assert party.fetched("/jwks") > 1
