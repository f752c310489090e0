"""Waiting for a signal: in threads, on loops, in the background, and where threads are few."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from oidc_gate import effects
from oidc_gate.effects import Enter, Lane, Signal, Step, WaitFor
from oidc_gate.errors import QueueFull
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.loops import arun
from oidc_gate.runtime.world import World

from ..provider import scripted as op

KINDS = ("threads", "background", "asyncio", "trio")


def driven(kind: str, step: Step[Any], world: World) -> Any:
    if kind in ("threads", "background"):
        return run(step, world, lambda limit: b"", in_lanes=kind == "threads")

    async def read(limit: int) -> bytes:
        return b""

    async def main() -> Any:
        return await arun(step, world, read)

    return anyio.run(main, backend=kind)


def after(seconds: float, signal: Signal) -> None:
    threading.Timer(seconds, signal.set).start()


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_waits_until_it_happens(kind: str) -> None:
    signal = Signal()
    after(0.05, signal)
    assert driven(kind, effects.wait_for(signal, 60), World(op.settings())) is True
    assert driven(kind, effects.wait_for(signal, 60), World(op.settings())) is True  # it has happened
    assert signal.is_set()


@pytest.mark.parametrize("kind", KINDS)
def test_and_no_longer_than_it_may(kind: str) -> None:
    signal = Signal()
    assert driven(kind, effects.wait_for(signal, 0.02), World(op.settings())) is False
    signal.set()  # the loop is closed, and nothing waits any more


@pytest.mark.parametrize("kind", ["threads", "asyncio", "trio"])
def test_meanwhile_it_has_no_place_in_a_lane(kind: str) -> None:
    world, signal, seen = World(op.settings()), Signal(), list[int]()
    lane = world.lane_of(Enter(Lane.PROVIDER))
    assert lane is not None

    def look() -> None:
        seen.append(len(lane._places))
        signal.set()

    def step() -> Step[bool]:
        yield from effects.enter(Lane.PROVIDER)
        assert len(lane._places) == 1
        threading.Timer(0.05, look).start()
        return (yield from effects.wait_for(signal, 60))

    assert driven(kind, step(), world) is True
    assert seen == [0]


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_thousands_wait_on_a_loop(kind: str) -> None:
    signal, world = Signal(), World(op.settings())
    results, threads = [], threading.active_count()

    async def read(limit: int) -> bytes:
        return b""

    async def one() -> None:
        results.append(await arun(effects.wait_for(signal, 60), world, read))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(2_000):
                group.start_soon(one)
            await anyio.sleep(0.01)
            assert threading.active_count() - threads < 20
            signal.set()

    anyio.run(main, backend=kind)
    assert results == [True] * 2_000


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_cancelled_request_is_forgotten(kind: str) -> None:
    signal, world = Signal(), World(op.settings())

    async def read(limit: int) -> bytes:
        return b""

    async def main() -> None:
        with anyio.move_on_after(0.02):
            await arun(effects.wait_for(signal, 60), world, read)

    anyio.run(main, backend=kind)
    assert signal._wakes == []


def test_few_threads_do_not_wait_long() -> None:
    world, signal, refused = World(op.settings()), Signal(), list[str]()

    def wait() -> None:
        try:
            driven("threads", effects.wait_for(signal, 60), world)
        except QueueFull as error:
            refused.append(error.code)
            signal.set()

    threads = [threading.Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert set(refused) == {"wait_line_full"}
    assert world.server_threads.held == 0


@pytest.mark.parametrize(
    ("is_free", "seconds", "is_set", "waited"),
    [
        (True, 60, True, 60),
        (True, 60, False, 60),
        (False, 60, True, 0.5),
        (False, 60, False, 0.5),
        (False, 0.25, True, 0.25),
        (False, 0.25, False, 0.25),
    ],
)
def test_how_long_a_thread_waits_and_what_it_is_told(
    is_free: bool, seconds: float, is_set: bool, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, signal, waits = World(op.settings()), Signal(), list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return is_set

    monkeypatch.setattr(world.server_threads, "holding", lambda: nullcontext(is_free))
    monkeypatch.setattr(signal, "wait", wait)
    monkeypatch.setattr(signal, "is_set", lambda: is_set)
    if is_free or is_set:
        assert world.perform(WaitFor(signal, seconds)) is is_set
    else:
        with pytest.raises(QueueFull) as caught:
            world.perform(WaitFor(signal, seconds))
        error = caught.value
        assert (error.code, error.public_message, error.detail, error.retry_after_seconds, error.status) == (
            "wait_line_full",
            "This service is very busy at the moment.",
            "few threads are left",
            1,
            503,
        )
    assert waits == [waited]
