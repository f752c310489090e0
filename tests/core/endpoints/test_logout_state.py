"""The state of a sign-out: what it carries, for how long, and what is not accepted as one."""

from __future__ import annotations

import pytest

from oidc_gate.endpoints import logout_state
from oidc_gate.endpoints.context import Components
from oidc_gate.endpoints.logout_state import MAX_TARGET_LENGTH, SignedOut
from tests.core.provider.scripted import START, Scripted
from tests.core.request.making import settings

COMPONENTS = Components(settings(allow_everyone=True))
KINDS = [SignedOut(target, at) for target in ("", "/reports?x=1", "/\udcff/é") for at in (True, False)]


def issued(signed_out: SignedOut, components: Components = COMPONENTS) -> str:
    return Scripted().drive(logout_state.issue(components, signed_out))


@pytest.mark.parametrize("signed_out", KINDS)
def test_a_state_says_what_was_signed_out_for_an_hour(signed_out: SignedOut) -> None:
    state = issued(signed_out)
    for seconds, expected in ((0, signed_out), (3600, signed_out), (3601, None)):
        assert logout_state.read(COMPONENTS, state, START + seconds) == expected


def test_no_state_says_more_than_the_gate_signed() -> None:
    """Neither the target nor the part that says whether the provider took part can be exchanged."""
    states = {signed_out: issued(signed_out) for signed_out in KINDS}
    assert len(set(states.values())) == len(KINDS)
    for state in states.values():
        token, _, sealed = state.rpartition(".") if state.count(".") == 2 else (state, "", "")
        for other in states.values():
            of_other = other.rpartition(".")[2] if other.count(".") == 2 else ""
            if of_other != sealed:
                forged = f"{token}.{of_other}" if of_other else token
                assert logout_state.read(COMPONENTS, forged, START) is None
    for made_up in ("", ".", "..", "...", "a.b.c", "é", "x" * 5000):
        assert logout_state.read(COMPONENTS, made_up, START) is None


@pytest.mark.parametrize(("length", "is_kept"), [(MAX_TARGET_LENGTH, True), (MAX_TARGET_LENGTH + 1, False)])
def test_a_target_that_is_too_long_is_left_out(length: int, *, is_kept: bool) -> None:
    target = "/" + "x" * (length - 1)
    state = issued(SignedOut(target, True))
    assert len(state) < 1500
    assert logout_state.read(COMPONENTS, state, START) == SignedOut(target if is_kept else "", True)


def test_a_state_of_another_gate_is_not_accepted() -> None:
    other = Components(settings(allow_everyone=True, client_id="another"))
    for signed_out in KINDS:
        assert logout_state.read(COMPONENTS, issued(signed_out, other), START) is None


@pytest.mark.parametrize(
    ("target", "dots"), [("", 1), ("/", 2), ("/" + "x" * 1023, 2), ("/" + "x" * 1024, 1)]
)
def test_only_a_target_of_1_to_1024_characters_is_sealed_into_the_state(target: str, dots: int) -> None:
    state = issued(SignedOut(target, False))
    assert state.count(".") == dots
    assert logout_state.read(COMPONENTS, state, START) == SignedOut(target if dots == 2 else "", False)
