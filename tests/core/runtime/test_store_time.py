"""How long one request may wait for the store, however many calls it makes."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from oidc_gate.effects import Effect, Fetch, Fetched, Lane, Release, Step, StoreCall, TakeLease
from oidc_gate.errors import StoreUnavailable
from oidc_gate.runtime import driver
from oidc_gate.runtime.driver import Hold, run
from oidc_gate.runtime.loops import arun
from oidc_gate.runtime.threads import MAX_PLACES
from oidc_gate.runtime.world import World
from oidc_gate.store.memory import MemoryStore
from oidc_gate.store.time_limit import deadline_after, limited_until

from ..provider import scripted as op

KINDS = ("threads", "asyncio", "trio")
LIMIT = 0.5


class Slow(MemoryStore):
    """A store over a network, of which every call of a test takes a part of a second."""

    blocks = True


def world() -> World:
    return World(op.settings(), store=Slow(), outbound=slow_answer)


def slow_answer(fetch: Fetch) -> Fetched:
    time.sleep(LIMIT * 1.2)
    return Fetched(200, {}, b"")


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "MAX_STORE_SECONDS", LIMIT)


def driven(kind: str, step: Step[Any], world: World) -> Any:
    if kind in ("threads", "background"):
        return run(step, world, lambda limit: b"", in_lanes=kind == "threads")

    async def read(limit: int) -> bytes:
        return b""

    async def main() -> Any:
        return await arun(step, world, read)

    return anyio.run(main, backend=kind)


def calls(seconds: float, number: int) -> Step[list[float]]:
    """Ask the store so often, and return how much time each call had."""
    had: list[float] = []

    def call(store: object) -> None:
        had.append(deadline_after(60) - time.monotonic())
        time.sleep(seconds)

    for _ in range(number):
        yield StoreCall(call)
    return had


@pytest.mark.parametrize("kind", KINDS)
def test_the_calls_of_a_request_have_one_limit_together(kind: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        driven(kind, calls(LIMIT * 0.6, 5), world())
    assert caught.value.detail == "this request has waited for the store for 0.5 s"


@pytest.mark.parametrize("kind", KINDS)
def test_each_call_is_given_what_the_others_left(kind: str) -> None:
    first, second = driven(kind, calls(LIMIT * 0.6, 2), world())
    assert 0 < second < LIMIT * 0.4 + 0.01 < first <= LIMIT


@pytest.mark.slow
def test_work_in_the_background_is_not_limited() -> None:
    assert all(had > LIMIT * 2 for had in driven("background", calls(LIMIT * 0.6, 3), world()))


@pytest.mark.parametrize("kind", KINDS)
def test_waiting_for_the_provider_does_not_count(kind: str) -> None:
    def step() -> Step[float]:
        yield Fetch("GET", "https://op.example/")
        (had,) = yield from calls(0, 1)
        return had

    assert driven(kind, step(), world()) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_waiting_in_line_counts(kind: str) -> None:
    """A call gets less time if it had to wait for its place."""
    made = world()
    lane = made.lane_of(StoreCall(lambda store: None))
    assert lane is not None
    places = [place for _ in range(MAX_PLACES[Lane.STORE]) if (place := lane.take()) is not None]
    assert len(places) == MAX_PLACES[Lane.STORE]

    def leave() -> None:
        for place in places:
            place.leave()

    free = threading.Timer(LIMIT * 0.4, leave)
    free.start()
    (had,) = driven(kind, calls(0, 1), made)
    free.join()
    assert had < LIMIT * 0.7


def test_a_limit_ends_with_its_block() -> None:
    with limited_until(time.monotonic() + 5):
        with limited_until(time.monotonic() + 1):
            assert deadline_after(60) < time.monotonic() + 2
        assert deadline_after(60) < time.monotonic() + 6
        assert deadline_after(0.1) < time.monotonic() + 1, "a call's own deadline counts if it is earlier"
    assert deadline_after(60) > time.monotonic() + 50


@pytest.mark.parametrize(("waited", "is_asked"), [(0.25, True), (0.5, False), (0.75, False)])
def test_after_its_time_a_request_asks_nothing_more_and_still_gives_everything_back(
    waited: float, *, is_asked: bool
) -> None:
    asked: list[object] = []

    class Recording(World):
        def perform(self, effect: Effect) -> Any:
            asked.append(effect)

    hold = Hold(calls(0, 1), Recording(op.settings(), store=Slow()))
    hold._store_seconds = waited
    release, call = Release(TakeLease(b"x", 60), None), StoreCall(lambda store: None)
    hold._perform(release)
    with nullcontext() if is_asked else pytest.raises(StoreUnavailable):
        hold._perform(call)
    assert asked == ([release, call] if is_asked else [release])
