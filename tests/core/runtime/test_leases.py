"""Leases that are kept while a step runs: released by it, and by the driver if the step never ends."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import pytest

from oidc_gate import effects
from oidc_gate.effects import Lane, Step, TakeLease, with_lease
from oidc_gate.errors import QueueFull
from oidc_gate.runtime import leases
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.leases import HeldLease
from oidc_gate.runtime.loops import arun
from oidc_gate.runtime.world import World
from oidc_gate.store.base import Lease, unavailable
from oidc_gate.store.memory import MemoryStore
from oidc_gate.testing.store_contract import wait_until
from tests.core.provider import scripted as op

LEASE = TakeLease(b"refresh", 60)  # so long that a test fails if it is not released


class Slow(MemoryStore):
    """A store whose calls have a lane."""

    blocks = True


def nothing(limit: int) -> bytes:
    return b""


def asking() -> Step[bool]:
    def work(has_it: bool) -> Step[bool]:
        yield from ()
        return has_it

    return with_lease(LEASE, work)


@pytest.mark.parametrize("kind", [MemoryStore, Slow])
def test_one_of_two_has_it_and_the_next_one_after_that(kind: type[MemoryStore]) -> None:
    store = kind()
    world = World(op.settings(), store=store)

    def work(has_it: bool) -> Step[tuple[bool, bool]]:
        inner = run(asking(), world, nothing, in_lanes=False)  # another process, meanwhile
        yield from ()
        return has_it, inner

    assert run(with_lease(LEASE, work), world, nothing) == (True, False)
    assert run(asking(), world, nothing) is True


def test_it_is_kept_for_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, renewed = [0.0], Queue[bool]()

    class Counting(MemoryStore):
        def renew(self, lease: Lease, ttl_seconds: float) -> bool:
            is_renewed = super().renew(lease, ttl_seconds)
            renewed.put(is_renewed)
            return is_renewed

    store = Counting(monotonic=lambda: now[0])
    monkeypatch.setattr(leases, "RENEWALS_PER_TTL", 6000)
    held = HeldLease.take(store, b"refresh", 60)
    assert held
    for _ in range(4):
        now[0] += 40
        renewed.get(timeout=60)  # this one may have begun before the clock went on
        assert renewed.get(timeout=60)
    assert store.lease(b"refresh", 1) is None
    held.release()
    assert store.lease(b"refresh", 1)


@dataclass
class Clock:
    """Stands for the event of the release: `wait` says at once that nothing was released, `times` times."""

    times: int
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) > self.times


class Scripted(MemoryStore):
    """A store that answers renewals as it is told."""

    def __init__(self, answers: list[bool | Exception]) -> None:
        super().__init__()
        self.answers, self.renewed = answers, list[tuple[Lease, float]]()

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        self.renewed.append((lease, ttl_seconds))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([True, True, True], 4),  # until it is released
        ([False, True, True], 1),  # another holder has it
        ([True, False, True], 2),
        ([unavailable("gone"), unavailable("gone"), True], 4),  # the store may answer again
        ([unavailable("gone"), False, True], 2),
    ],
)
def test_it_is_renewed_three_times_in_its_time_until_it_is_released_or_lost(
    answers: list[bool | Exception], waits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Scripted(list(answers))
    lease = store.lease(b"refresh", 60)
    assert lease is not None
    held = HeldLease(store, lease, 60)
    monkeypatch.setattr(held, "_is_released", clock := Clock(len(answers)))
    held._renew()
    assert clock.waits == [20.0] * waits
    assert store.renewed == [(lease, 60)] * min(waits, len(answers))


def test_its_thread_keeps_no_process_alive(started: list[dict[str, Any]]) -> None:
    store = MemoryStore()
    held = HeldLease.take(store, b"refresh", 60)
    assert held is not None
    assert started == [{"target": held._renew, "name": "oidc_gate lease", "daemon": True}]
    assert (HeldLease.take(store, b"refresh", 60), len(started)) == (None, 1)
    held.release()
    assert held._is_released.is_set()


@pytest.mark.parametrize("kind", [MemoryStore, Slow])
def test_it_is_released_if_the_step_fails(kind: type[MemoryStore]) -> None:
    store = kind()
    world = World(op.settings(), store=store)

    def work(has_it: bool) -> Step[None]:
        yield from ()
        raise RuntimeError("the exchange failed")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="the exchange failed"):
            run(with_lease(LEASE, work), world, nothing)
    assert store.lease(b"refresh", 1)


@pytest.mark.parametrize("kind", [MemoryStore, Slow])
def test_it_is_released_if_the_request_is_cancelled(kind: type[MemoryStore]) -> None:
    store = kind()
    world = World(op.settings(), store=store)

    begun = asyncio.Event()

    async def never(limit: int) -> bytes:
        begun.set()
        await asyncio.sleep(3600)
        return b""

    async def main() -> None:
        task = asyncio.create_task(arun(with_lease(LEASE, lambda has_it: effects.read_body(1)), world, never))
        await asyncio.wait_for(begun.wait(), 60)
        assert store.lease(b"refresh", 1) is None
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    assert wait_until(lambda: store.lease(b"refresh", 1) is not None)


def test_a_store_that_fails_at_the_release_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MemoryStore):
        def release(self, lease: object) -> None:
            raise unavailable("gone")

    world = World(op.settings(), store=Failing())
    assert run(asking(), world, nothing) is True
    message = "a lease could not be released, and expires by itself: store_unavailable: gone"
    assert caplog.record_tuples == [("oidc_gate.store", logging.WARNING, message)]


def test_a_full_queue_does_not_keep_a_lease_from_being_released() -> None:
    store = Slow()
    world = World(op.settings(), store=store)
    lane = world.lane_of(LEASE)
    assert lane is not None

    def work(has_it: bool) -> Step[bool]:
        yield from effects.enter(Lane.PROVIDER)  # as an exchange with the provider: the place is left
        assert lane is not None
        waiters = []
        with suppress(QueueFull):
            while True:
                waiters.append(lane.enqueue(lambda: None, is_first=True))
        assert len(waiters) > 200
        return has_it

    async def body(limit: int) -> bytes:
        return b""

    assert run(with_lease(LEASE, work), world, nothing) is True
    assert store.lease(b"refresh", 0.001)
    world = World(op.settings(), store=store)
    found = world.lane_of(LEASE)
    assert found is not None
    lane = found
    assert wait_until(lambda: asyncio.run(arun(asking(), world, body)))
    assert asyncio.run(arun(with_lease(LEASE, work), world, body)) is True
    assert store.lease(b"refresh", 1)
