"""Leases that are kept while a step runs: released by it, and by the driver if the step never ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import Queue

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


def test_it_is_renewed_early_enough_for_two_failures() -> None:
    assert leases.RENEWALS_PER_TTL >= 3


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
    assert "expires by itself" in caplog.text


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
