"""A sign-in on its way: two halves that fit, eight slots, and rounds."""

from __future__ import annotations

import pytest

from oidc_gate.errors import CallbackError
from oidc_gate.flow.record import Flow, belongs, open_flow, open_state, seal_flow, seal_state
from oidc_gate.flow.slots import choose_slot, count_sign_in, is_sign_in_loop, recent_sign_ins
from oidc_gate.seal import KeyRing
from oidc_gate.syntax.cookie_names import FLOW_SLOTS

RING = KeyRing(("n" * 43,), binding=("a", "b"))
STATE, COOKIE = RING.sealer("state"), RING.sealer("flow", "slot 0")
FLOW = Flow(1_000, bytes(range(32)))
NONCE = bytes(12)


def test_both_halves_come_back_and_fit() -> None:
    state = open_state(STATE, seal_state(STATE, FLOW, 5, "/reports?month=5#top", NONCE))
    flow = open_flow(COOKIE, seal_flow(COOKIE, FLOW, NONCE))
    assert (state.target, state.slot, state.started_at) == ("/reports?month=5#top", 5, 1_000)
    assert flow == FLOW
    assert belongs(state, flow)


def test_halves_of_two_sign_ins_do_not_fit() -> None:
    state = open_state(STATE, seal_state(STATE, FLOW, 0, "/", NONCE))
    assert not belongs(state, Flow(1_000, bytes(32)))
    assert not belongs(state, None)


def test_what_is_derived_is_long_enough_and_tells_nothing_of_the_secret() -> None:
    values = {FLOW.nonce, FLOW.code_verifier, FLOW.id.hex(), FLOW.secret.hex()}
    assert len(values) == 4
    assert len(FLOW.code_verifier) == 43
    assert "secret" not in repr(FLOW)


def test_a_long_target_is_squeezed_and_the_flow_cookie_is_small() -> None:
    target = "/reports?" + "&".join(f"filter{n}=value" for n in range(100))
    sealed = seal_state(STATE, FLOW, 0, target, NONCE)
    assert open_state(STATE, sealed).target == target
    assert len(sealed) < len(target)
    assert len(seal_flow(COOKIE, FLOW, NONCE)) < 100


@pytest.mark.parametrize("value", ["", "x", "A" * 80, seal_flow(COOKIE, FLOW, NONCE)])
def test_a_state_that_is_not_ours(value: str) -> None:
    with pytest.raises(CallbackError) as caught:
        open_state(STATE, value)
    assert caught.value.code == "state_invalid"
    assert open_flow(RING.sealer("flow", "slot 1"), seal_flow(COOKIE, FLOW, NONCE)) is None
    assert open_flow(COOKIE, value[:-1]) is None


def test_ten_minutes() -> None:
    state = open_state(STATE, seal_state(STATE, FLOW, 0, "/", NONCE))
    assert not state.is_expired(1_600)
    assert state.is_expired(1_601)


def test_a_free_slot_is_taken_by_chance_then_one_that_does_not_open_then_the_oldest() -> None:
    assert {choose_slot({}, FLOW_SLOTS, byte) for byte in range(256)} == set(range(FLOW_SLOTS))
    taken = {slot: Flow(1_000 + slot, bytes(32)) for slot in range(FLOW_SLOTS)}
    assert choose_slot({**taken, 3: Flow(5, bytes(32))}, FLOW_SLOTS, 200) == 3
    assert choose_slot({**taken, 6: None}, FLOW_SLOTS, 200) == 6


def test_rounds() -> None:
    cookie = ""
    for now in (100, 110, 120):
        assert not is_sign_in_loop(cookie, now)
        cookie = count_sign_in(cookie, now)
    assert is_sign_in_loop(cookie, 130)
    assert is_sign_in_loop(cookie, 180)
    assert not is_sign_in_loop(cookie, 181)
    assert count_sign_in(cookie, 500) == "1.500"


@pytest.mark.parametrize(
    "cookie", ["", "x", "9", "9.", ".9", "-3.100", "3.-1", "٣.100", "3.100.1", "9" * 40, "1e9.100"]
)
def test_a_rounds_cookie_that_is_not_ours_counts_nothing(cookie: str) -> None:
    assert recent_sign_ins(cookie, 100) == 0
