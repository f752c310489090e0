"""A sign-in on its way: two halves that fit, eight slots, and rounds."""

from __future__ import annotations

import pytest

from oidc_gate.errors import CallbackError
from oidc_gate.flow.record import Flow, State, belongs, open_flow, open_state, seal_flow, seal_state
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


@pytest.mark.parametrize(
    ("taken", "byte", "slot"),
    [
        ({}, 0, 0),
        ({}, 9, 1),
        ({0: FLOW}, 0, 1),
        ({0: FLOW, 2: FLOW, 3: None}, 0, 1),
        ({0: FLOW, 2: FLOW, 3: None}, 1, 3),
        ({0: FLOW, 2: FLOW, 3: None}, 255, 3),
        ({0: FLOW, 1: Flow(999, bytes(32)), 2: FLOW, 3: FLOW}, 7, 1),
        ({3: FLOW, 2: FLOW, 1: FLOW, 0: Flow(1_001, bytes(32))}, 7, 3),
    ],
)
def test_which_slot_is_taken(taken: dict[int, Flow | None], byte: int, slot: int) -> None:
    assert choose_slot(taken, 4, byte) == slot


@pytest.mark.parametrize("target", ["/", "/é?q=ü#top", "/" + "x" * 119, "/" + "x" * 120, "/" + "xy" * 900])
@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("slot", [0, 7])
def test_a_state_comes_back_whole(target: str, is_lost: bool, slot: int) -> None:
    sealed = seal_state(STATE, FLOW, slot, target, NONCE, is_lost=is_lost)
    assert open_state(STATE, sealed) == State(FLOW.id, 1_000, slot, target, is_lost)
    kind = STATE.open(sealed)[17:18]
    assert kind == (b"L" if is_lost else b"Z" if len(target) > 120 else b"P")
    assert open_state(STATE, seal_state(STATE, FLOW, slot, target, NONCE)).is_lost is False


def test_the_log_says_why_a_state_is_none() -> None:
    for value, code in (("x", "seal_malformed"), (seal_flow(COOKIE, FLOW, NONCE), "seal_foreign")):
        with pytest.raises(CallbackError) as caught:
            open_state(STATE, value)
        assert (caught.value.code, caught.value.detail) == ("state_invalid", f"state: {code}")


def test_a_value_of_another_length_is_no_flow() -> None:
    assert open_flow(COOKIE, COOKIE.seal(bytes(35), NONCE)) is None
    assert open_flow(COOKIE, COOKIE.seal(bytes(37), NONCE)) is None
    assert open_flow(COOKIE, COOKIE.seal(bytes(36), NONCE)) == Flow(0, bytes(32))


@pytest.mark.parametrize(
    ("cookie", "now", "count"),
    [
        ("2.100", 100, 2),
        ("2.100", 160, 2),
        ("2.100", 161, 0),
        ("2.100", 99, 0),
        ("0.100", 100, 0),
        ("3." + "100".zfill(21), 100, 3),
    ],
)
def test_sign_ins_count_for_a_minute(cookie: str, now: int, count: int) -> None:
    assert recent_sign_ins(cookie, now) == count
    assert count_sign_in(cookie, now) == f"{count + 1}.{now}"
    assert [is_sign_in_loop(f"{number}.100", 100) for number in (2, 3, 4)] == [False, True, True]


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
    "cookie",
    [
        "",
        "x",
        "9",
        "9.",
        ".9",
        "-3.100",
        "3.-1",
        "٣.100",
        "3.\u0661\u0660\u0660",
        "².100",
        "3.²",
        "3.100.1",
        "9" * 40,
        "1e9.100",
        "3." + "100".zfill(22),
    ],
)
def test_a_rounds_cookie_that_is_not_ours_counts_nothing(cookie: str) -> None:
    assert recent_sign_ins(cookie, 100) == 0
