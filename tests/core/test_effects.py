"""The effects: what each step asks for, what it makes of the answer, and what is released however it ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oidc_gate import effects
from oidc_gate.effects import (
    AddOnce,
    Background,
    Effect,
    Enter,
    Fetch,
    Fetched,
    Lane,
    LastSeen,
    Lock,
    Now,
    Random,
    ReadBody,
    ReadMetrics,
    Release,
    Signal,
    Step,
    StoreCall,
    TakeLease,
    WaitFor,
)

FETCH = Fetch("GET", "https://op.example/")
SIGNAL = Signal()


def start() -> Step[None]:
    yield from ()


@pytest.mark.parametrize(
    ("step", "effect", "answer", "result"),
    [
        (effects.now(), Now(is_latest=False), 7.9, 7),
        (effects.latest_now(), Now(is_latest=True), 7.9, 7),
        (effects.random(3), Random(3), b"abc", b"abc"),
        (effects.read_body(9), ReadBody(9), b"body", b"body"),
        (effects.fetch(FETCH), FETCH, "answer", "answer"),
        (effects.add_once("key", 9), AddOnce("key", 9), 1, True),
        (effects.add_once("key", 9), AddOnce("key", 9), 0, False),
        (effects.last_seen("a", "b"), LastSeen(("a", "b")), None, None),
        (effects.last_seen("a"), LastSeen(("a",)), 5, 5),
        (effects.enter(Lane.STORE), Enter(Lane.STORE), "ignored", None),
        (effects.wait_for(SIGNAL, 2.5), WaitFor(SIGNAL, 2.5), 1, True),
        (effects.wait_for(SIGNAL, 2.5), WaitFor(SIGNAL, 2.5), None, False),
        (effects.read_metrics(), ReadMetrics(), {("a",): 1.0}, {("a",): 1.0}),
        (effects.in_background(start), Background(start), "ignored", None),
    ],
)
def test_one_effect_and_what_is_made_of_its_answer(
    step: Step[Any], effect: Effect, answer: Any, result: Any
) -> None:
    assert next(step) == effect
    with pytest.raises(StopIteration) as ended:
        step.send(answer)
    assert ended.value.value == result
    assert type(ended.value.value) is type(result)


def test_a_request_to_the_provider_has_no_body_and_a_limited_answer() -> None:
    assert Fetch("GET", "https://op.example/", (), None, 1_048_576, Lane.PROVIDER) == FETCH
    assert "SECRET" not in repr(Fetch("POST", "u", (("a", "SECRET"),), b"SECRET"))
    assert "SECRET" not in repr(Fetched(200, {"a": "SECRET"}, b"SECRET"))
    assert repr(StoreCall(lambda store: None)) == "StoreCall()"


def inside(held: object) -> Step[str]:
    answer = yield Random(1)
    if isinstance(answer, Exception):
        raise answer
    return f"{held}: {answer}"


LOCK, LEASE = Lock("name"), TakeLease(b"lease", 3.0)


@pytest.mark.parametrize(
    ("step", "taken", "answer", "result"),
    [
        (lambda: effects.holding(LOCK, inside("lock")), LOCK, "held", "lock: x"),
        (lambda: effects.with_lease(LEASE, inside), LEASE, "held", "True: x"),
        (lambda: effects.with_lease(LEASE, inside), LEASE, None, "False: x"),
    ],
)
def test_what_was_taken_is_released_whether_or_not_the_step_fails(
    step: Any, taken: Lock | TakeLease, answer: Any, result: str
) -> None:
    one = step()
    assert [next(one), one.send(answer), one.send("x")] == [taken, Random(1), Release(taken, answer)]
    with pytest.raises(StopIteration) as ended:
        one.send(None)
    assert ended.value.value == result
    other = step()
    assert [next(other), other.send(answer)] == [taken, Random(1)]
    assert other.send(KeyError("failed")) == Release(taken, answer)
    with pytest.raises(KeyError, match="failed"):
        other.send(None)


def test_a_signal_calls_each_once_and_late_ones_at_once() -> None:
    signal, calls = Signal(), list[str]()

    def forgotten() -> None:
        calls.append("forgotten")

    signal.when_set(lambda: calls.append("one"))
    signal.when_set(forgotten)
    signal.when_set(lambda: calls.append("two"))
    signal.forget(forgotten)
    signal.forget(forgotten)
    assert (signal.is_set(), signal.wait(0), calls) == (False, False, [])
    signal.set()
    assert (signal.is_set(), signal.wait(0), calls) == (True, True, ["one", "two"])
    signal.set()
    signal.when_set(lambda: calls.append("late"))
    assert calls == ["one", "two", "late"]


def test_a_loop_that_is_closed_does_not_keep_the_others_from_waking() -> None:
    signal, calls = Signal(), list[str]()

    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    signal.when_set(closed)
    signal.when_set(lambda: calls.append("woken"))
    signal.set()
    assert calls == ["woken"]


def test_a_thread_that_waits_is_woken() -> None:
    signal = Signal()
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(signal.wait(60)))
    thread.start()
    signal.set()
    thread.join(60)
    assert found == [True]
