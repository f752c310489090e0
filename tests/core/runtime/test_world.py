"""The world: each effect, and what of it may block."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
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
    Step,
    StoreCall,
    TakeLease,
)
from oidc_gate.errors import ProviderUnavailable, StoreUnavailable
from oidc_gate.provider.client import Provider
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.store import DEADLINE_SECONDS
from oidc_gate.runtime.world import World
from oidc_gate.store.base import EVERYTHING
from oidc_gate.store.memory import MemoryStore

from ..provider import scripted as op


def nothing() -> Step[None]:
    yield Now()


class SlowMarks:
    blocks = True

    def has(self, kinds: Sequence[str]) -> bool:
        return True

    def add_once(self, key: str, until: int, now: int) -> bool:
        return now == 50

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        return now


def test_effects() -> None:
    fetched = op.answer({})
    world = World(
        op.settings(), outbound=lambda _: fetched, clock=lambda: 50.9, entropy=lambda size: b"r" * size
    )
    assert world.perform(Now()) == 50
    assert world.perform(Random(3)) == b"rrr"
    assert world.perform(Fetch("GET", "https://op.example/")) is fetched
    assert world.perform(AddOnce("k", 100)) is True
    assert world.perform(AddOnce("k", 100)) is False
    assert world.perform(LastSeen(("k", "l"))) == 50
    assert world.perform(LastSeen(("l",))) is None
    with pytest.raises(TypeError):
        world.perform(ReadBody(1))


def test_libraries_are_loaded_before_a_request_unless_requests_are_answered_without_them() -> None:
    """Threads that enter an import together can fail."""
    assert World(op.settings())._prepare is not None
    assert World(op.settings(), outbound=lambda _: Fetched(200, {}, b""))._prepare is None


def test_its_own_clock_and_randomness() -> None:
    world = World(op.settings())
    assert world.perform(Now()) > 1_700_000_000
    assert len(world.perform(Random(32))) == 32
    assert world.perform(Random(32)) != world.perform(Random(32))


@pytest.mark.parametrize(
    ("effect", "memory", "slow"),
    [
        (Now(), None, None),
        (Random(1), None, None),
        (Background(nothing), None, None),
        (Fetch("GET", "https://op.example/"), Lane.PROVIDER, Lane.PROVIDER),
        (Fetch("POST", "https://op.example/", lane=Lane.PUSHED), Lane.PUSHED, Lane.PUSHED),
        (Enter(Lane.STORE), Lane.STORE, Lane.STORE),
        (Lock("x"), Lane.PROVIDER, Lane.PROVIDER),
        (Release(Lock("x"), None), None, None),
        (AddOnce("k", 1), None, Lane.STORE),
        (LastSeen(("k",)), None, Lane.STORE),
    ],
)
def test_what_blocks_has_a_lane(effect: Effect, memory: Lane | None, slow: Lane | None) -> None:
    for marks, expected in ((None, memory), (SlowMarks(), slow)):
        found = World(op.settings(), expiring_keys=marks).lane_of(effect)
        assert (found and found._lane) == expected


@pytest.mark.parametrize(
    "effect", [StoreCall(lambda store: None), TakeLease(b"x", 1), Release(TakeLease(b"x", 1), None)]
)
def test_a_store_has_a_lane_if_it_blocks(effect: Effect) -> None:
    assert World(op.settings(), store=MemoryStore()).lane_of(effect) is None
    slow = MemoryStore()
    slow.blocks = True
    found = World(op.settings(), store=slow).lane_of(effect)
    assert (found and found._lane) == Lane.STORE
    assert found is not None
    assert found.wait_seconds + DEADLINE_SECONDS < 2


def test_what_goes_wrong_in_a_store_is_a_failure_of_the_store(caplog: pytest.LogCaptureFixture) -> None:
    world = World(op.settings(), store=MemoryStore())
    assert world.perform(StoreCall(lambda store: store.count(EVERYTHING, 1))) == 0
    with pytest.raises(StoreUnavailable) as caught:
        world.perform(StoreCall(lambda store: store.no_such_method()))
    assert (caught.value.status, caught.value.retry_after_seconds) == (503, 2)
    message = "an error in the session store, the memory of this process"
    assert caplog.record_tuples == [("oidc_gate", logging.ERROR, message)]
    with pytest.raises(ProviderUnavailable):
        world.perform(StoreCall(raising(ProviderUnavailable("provider_timeout", "Away."))))


def raising(error: Exception) -> Callable[[Any], None]:
    def call(store: Any) -> None:
        raise error

    return call


def test_the_latest_time_does_not_go_back_within_the_skew() -> None:
    clock = [1000.0]
    world = World(op.settings(clock_skew_seconds=60), clock=lambda: clock[0])
    assert world.perform(Now()) == 1000
    clock[0] = 950.0
    assert (world.perform(Now()), world.perform(Now(is_latest=True))) == (950, 1000)
    clock[0] = 900.0  # by more than the skew: it was wrong before
    assert (world.perform(Now()), world.perform(Now(is_latest=True))) == (900, 900)


def test_lanes_and_locks_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that held something when the process forked gives nothing back in the child."""
    world = World(op.settings(provider_timeout_seconds=0.5))
    lane = world.lane_of(Lock("x"))
    assert world.lane_of(Lock("y")) is lane
    world.perform(Lock("x"))
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert world.lane_of(Lock("x")) not in (None, lane)
    assert world.perform(Lock("x"))


@pytest.mark.slow
def test_a_lock_is_held_by_one_until_it_is_released() -> None:
    world = World(op.settings(provider_timeout_seconds=0.5))
    held = world.perform(Lock("x"))
    assert world.perform(Lock("another"))
    with pytest.raises(ProviderUnavailable) as caught:
        world.perform(Lock("x"))
    assert (caught.value.code, caught.value.detail[:3]) == ("provider_timeout", "x: ")
    world.perform(Release(Lock("x"), held))
    assert world.perform(Lock("x"))


def test_work_in_the_background(caplog: pytest.LogCaptureFixture) -> None:
    world = World(op.settings(), clock=lambda: 50.0)
    seen: list[tuple[int, bool]] = []
    main, done = threading.get_ident(), threading.Event()

    def works() -> Step[None]:
        lanes = [world.lane_of(Enter(lane)) for lane in Lane]
        yield from effects.enter(Lane.PROVIDER)
        now = yield from effects.now()
        assert not any(lane and lane._places for lane in lanes), "no request waits for it"
        seen.append((now, threading.get_ident() == main))
        done.set()

    def fails() -> Step[None]:
        yield from effects.now()
        raise KeyError("a defect")

    run(effects.in_background(works), world, lambda _: b"")
    assert done.wait(20)
    assert seen == [(50, False)]
    run(effects.in_background(fails), world, lambda _: b"")
    deadline = time.monotonic() + 20
    while not caplog.records:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    message = "work in the background failed: an error in oidc_gate"
    assert caplog.record_tuples == [("oidc_gate", logging.ERROR, message)]
    assert caplog.records[0].exc_info


def test_the_thread_of_background_work_keeps_no_process_alive(started: list[dict[str, Any]]) -> None:
    world = World(op.settings())
    world.perform(Background(nothing))
    expected = {"target": world._drive, "args": (nothing,), "name": "oidc_gate", "daemon": True}
    assert started == [expected]


def test_it_drives_steps() -> None:
    scripted = op.world()
    world = World(op.settings(), outbound=fetch_from(scripted))
    provider = Provider(op.settings())
    assert run(provider.metadata(), world, lambda _: b"").issuer == op.ISSUER


def fetch_from(scripted: op.Scripted) -> Callable[[Fetch], Fetched]:
    def fetch(effect: Fetch) -> Fetched:
        fetched: Fetched = scripted.perform(effect)
        return fetched

    return fetch


def test_importing_it_loads_nothing_that_takes_its_time() -> None:
    script = """
import sys
import oidc_gate, oidc_gate.runtime.world, oidc_gate.provider.sign_in, oidc_gate.provider.logout
found = {name.partition(".")[0] for name in sys.modules}
print(sorted(found & {"authlib", "requests", "urllib3", "joserfc", "cryptography"}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_the_debug_log_of_authlib_is_mute() -> None:
    script = """
import logging
logging.basicConfig(level=logging.DEBUG)
import oidc_gate.provider.oauth
print(logging.getLogger("authlib.integrations.base_client").isEnabledFor(logging.DEBUG))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


def test_without_metrics_there_are_none() -> None:
    assert World(op.settings()).perform(ReadMetrics()) == {}


def test_the_gauges_of_the_lanes() -> None:
    world = World(op.settings(metrics_token="a-token-of-the-metrics-that-is-long-enough"))
    lane = world.lane_of(Enter(Lane.PUSHED))
    assert lane is not None
    waiters = [lane.enqueue(lambda: None, is_first=True) for _ in range(6)]
    assert len(waiters) == 6
    assert world.metrics is not None
    assert world.metrics.gauges() == {
        ("lane_places", "provider"): 0,
        ("lane_waiting", "provider"): 0,
        ("lane_places", "pushed"): 4,
        ("lane_waiting", "pushed"): 2,
        ("lane_places", "store"): 0,
        ("lane_waiting", "store"): 0,
    }


def test_a_request_waits_a_little_longer_than_the_exchange_that_it_waits_for() -> None:
    world = World(op.settings(provider_timeout_seconds=3.0))
    lane = world.lane_of(Enter(Lane.PROVIDER))
    assert lane is not None
    assert lane.wait_seconds == 3.5


def test_a_lock_that_is_held_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(op.settings())
    monkeypatch.setattr(world, "_wait_seconds", 0.01)
    held = world.perform(Lock("keys"))
    with pytest.raises(ProviderUnavailable) as caught:
        world.perform(Lock("keys"))
    error = caught.value
    assert (error.code, error.public_message, error.detail) == (
        "provider_timeout",
        "The sign-in service cannot be reached at the moment.",
        "keys: the request that others wait for takes too long",
    )
    assert world.perform(Lock("metadata")).locked()
    world.perform(Release(Lock("keys"), held))
    assert not held.locked()


@pytest.mark.parametrize(
    ("back", "latest"), [(0, 1000), (1, 1000), (60, 1000), (61, 939), (500, 500), (-1, 1001)]
)
def test_a_clock_that_goes_back_by_more_than_the_skew_was_wrong(back: int, latest: int) -> None:
    now = [1000.0]
    world = World(op.settings(clock_skew_seconds=60), clock=lambda: now[0])
    world.perform(Now())
    now[0] -= back
    assert (world.perform(Now()), world.perform(Now(is_latest=True))) == (1000 - back, latest)


def test_a_key_is_stored_with_the_latest_time() -> None:
    now = [1000.0]
    given: list[tuple[object, ...]] = []

    class Keys(SlowMarks):
        def add_once(self, key: str, until: int, now: int) -> bool:
            given.append((key, until, now))
            return True

        def last_seen(self, keys: Sequence[str], now: int) -> int | None:
            given.append((*keys, now))
            return None

    world = World(op.settings(clock_skew_seconds=60), expiring_keys=Keys(), clock=lambda: now[0])
    world.perform(Now())
    now[0] = 990.0
    assert world.perform(AddOnce("k", 2000)) is True
    assert world.perform(LastSeen(("k", "l"))) is None
    assert given == [("k", 2000, 1000), ("k", "l", 990)]


def test_a_store_is_needed() -> None:
    with pytest.raises(TypeError, match="there is no session store"):
        World(op.settings()).perform(StoreCall(lambda store: None))


def test_an_error_in_a_store_names_its_kind() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        World(op.settings(), store=MemoryStore()).perform(StoreCall(raising(KeyError("x"))))
    assert caught.value.detail == "KeyError in the store"
    assert isinstance(caught.value.__cause__, KeyError)
