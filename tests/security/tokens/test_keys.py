"""The provider's key set: one bad key does not sink it, it rotates, and nobody makes us fetch it without end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_gate.testing import Fault
from oidc_gate.testing.provider.misbehaviour import PLAYS
from oidc_gate.testing.provider.realm import Behaviour
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import FORM, Party, claim

UNKNOWN = claim("kid", expected="a key of the provider for ES256", got=".+")


def test_unreadable_keys_do_not_count(party: Party) -> None:
    with party.op.misbehaving(Fault.JWKS_WITH_UNREADABLE_KEY):
        party.signs_in()
    lines = [line.getMessage() for line in party.caplog.records if line.levelname == "WARNING"]
    assert len(lines) == 5
    assert "number 0 (kid off-the-curve) is ignored: unreadable" in lines[0]


RENEWALS = 3  # that unknown keys may cause at once; one more comes back each minute


def forge_logout_tokens(party: Party, number: int) -> None:
    """Post logout tokens that are signed with keys that nobody publishes: each is refused."""
    for each in range(number):
        token = party.op.sign({"iss": party.op.issuer}, header={"kid": f"unknown-{each}"})
        body = urlencode({"logout_token": token}).encode()
        answer = party.visitor().open("POST", party.path("backchannel_logout"), FORM, body)
        assert (answer.status, "logout_token_kid" in answer.text) == (400, True)


def test_an_unknown_key_a_thousand_times(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    party.signs_in()
    assert party.fetched("/jwks") == 1
    now = party.clock()
    party.world.clock = lambda: now
    forge_logout_tokens(party, 1000)
    assert party.fetched("/jwks") == 1 + RENEWALS, "for all of them, within a minute that stands still"


def test_oidc_gate_2026_11_keys_forged_logout_tokens_take_nothing_from_sign_ins(
    make_party: MakeParty,
) -> None:
    party = make_party(insecure_single_process_revocation=True)
    party.signs_in()
    forge_logout_tokens(party, RENEWALS + 2)
    party.op.rotate_keys(keep_old=False)
    party.signs_in()


def test_an_unknown_key_at_sign_in_is_asked_for_three_times_and_then_once_a_minute(party: Party) -> None:
    party.signs_in()
    with party.op.misbehaving(Fault.UNKNOWN_KID, unique=True):
        for minute in range(3):
            for _ in range(RENEWALS + 1):
                browser = party.visitor()
                party.refused(browser, party.come_back(browser, party.begin(browser)), UNKNOWN)
            assert party.fetched("/jwks") == 1 + RENEWALS + minute
            party.ahead += 61
    party.signs_in()


@pytest.mark.parametrize("keep_old", [True, False])
def test_oidc_gate_2026_11_keys_rotate_several_times_within_a_minute(party: Party, keep_old: bool) -> None:
    party.signs_in()
    for _ in range(RENEWALS):
        party.op.rotate_keys(keep_old=keep_old)
        party.signs_in()
    now = party.clock()
    party.world.clock = lambda: now  # so that the minute is not over on a slow machine
    party.op.rotate_keys(keep_old=keep_old)
    browser = party.visitor()
    party.refused(browser, party.come_back(browser, party.begin(browser)), UNKNOWN)
    party.world.clock = party.clock
    party.ahead += 61
    party.signs_in()


NO_KEYS = [
    pytest.param(lambda said: {"keys": []}, id="empty"),
    pytest.param(lambda said: {"keys": [key | {"use": "enc"} for key in said["keys"]]}, id="encryption"),
    pytest.param(lambda said: {"keys": [{"kty": "EC", "kid": "k"}]}, id="unreadable"),
    pytest.param(lambda said: {"keys": [key | {"alg": "ES384"} for key in said["keys"]]}, id="contradictory"),
]
"""Key sets that are valid, and with which no ID token can be verified."""


@contextmanager
def publishing(party: Party, make: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """Publish another key set than the provider's own within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLAYS, Fault.JWKS_EMPTY, lambda: Behaviour(jwks=lambda said, realm: make(said)))
        with party.op.misbehaving(Fault.JWKS_EMPTY):
            yield


@pytest.mark.parametrize("published", NO_KEYS)
def test_oidc_gate_2026_11_keys_are_replaced_by_keys_only(
    party: Party, published: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    party.signs_in()
    with publishing(party, published):
        party.ahead += 3700  # the cached key set is due
        party.signs_in()
        party.op.rotate_keys(keep_old=False)
        browser = party.visitor()
        party.refused(browser, party.come_back(browser, party.begin(browser)), UNKNOWN)
    assert "jwks_without_key" in party.caplog.text
    party.signs_in()


def test_oidc_gate_2026_11_keys_two_first_sign_ins_discover_once(party: Party) -> None:
    """The second one begins after the first one looked at the cache, and ends before the first one asks."""
    cache = party.gate._runtime.gate.components.provider._metadata
    check, others = cache.check, [threading.Thread(target=party.signs_in)]

    def interrupted(now: int) -> None:
        check(now)
        if others:
            other = others.pop()
            other.start()
            other.join()

    cache.check = interrupted
    party.signs_in()
    assert others == []
    assert party.fetched("/.well-known/openid-configuration") == 1


def test_a_published_encryption_key_is_not_a_warning(party: Party) -> None:
    def with_encryption_key(said: dict[str, Any]) -> dict[str, Any]:
        return {"keys": [*said["keys"], *(key | {"use": "enc", "kid": "to encrypt"} for key in said["keys"])]}

    with publishing(party, with_encryption_key):
        party.signs_in()
    (line,) = [each for each in party.caplog.records if "to encrypt" in each.getMessage()]
    assert (line.levelname, "published for encryption" in line.getMessage()) == ("DEBUG", True)


def test_the_old_keys_serve_while_the_key_set_is_down(party: Party) -> None:
    party.signs_in()
    party.ahead += 3700
    with party.op.misbehaving(Fault.SERVER_ERROR, at="jwks"):
        party.signs_in()
    assert party.fetched("/jwks") > 1
