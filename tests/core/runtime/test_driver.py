"""The two drivers: who performs what, in which thread, and that everything is given back however a step ends."""

from __future__ import annotations

import ast
import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio

from oidc_gate import effects
from oidc_gate.effects import (
    Effect,
    Enter,
    Fetch,
    Fetched,
    Lane,
    LastSeen,
    Lock,
    Now,
    ReadBody,
    Release,
    Step,
)
from oidc_gate.errors import QueueFull
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.loops import arun
from oidc_gate.runtime.threads import MAX_PLACES, BoundedLane, Place, make_lanes

SOURCE = Path(__file__).parents[3] / "src/oidc_gate"
FETCH = Fetch("GET", "https://op.example/")
LOCK = Lock("one")
LOOPS = ["asyncio", "trio"]
KINDS = ["threads", *LOOPS]


class World:
    """Answers, and notes in which thread; a `Fetch` of ``/slow`` waits until `go_on` is set."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, bool]] = []
        self.loop = threading.get_ident()
        self.lanes = make_lanes(5.0)
        self.locked, self.released = 0, 0
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.failure: BaseException | None = None

    def lane_of(self, effect: Effect) -> BoundedLane | None:
        if isinstance(effect, Fetch | Enter):
            return self.lanes[effect.lane]
        return self.lanes[Lane.STORE] if isinstance(effect, LastSeen) else None

    def perform(self, effect: Effect) -> Any:
        self.note(type(effect).__name__)
        if isinstance(effect, Lock):
            self.locked += 1
        elif isinstance(effect, Release):
            self.released += 1
        elif isinstance(effect, Fetch):
            return self.fetch(effect)
        return 7

    def fetch(self, effect: Fetch) -> Fetched:
        if self.failure is not None:
            raise self.failure
        if effect.url.endswith("/slow"):
            self.reached.set()
            assert self.go_on.wait(20)
        return Fetched(200, {}, b"fetched")

    def note(self, what: str) -> None:
        self.performed.append((what, threading.get_ident() == self.loop))

    def taken(self) -> int:
        """How many places are taken in all lanes."""
        return sum(len(lane._places) + len(lane._queue) for lane in self.lanes.values())


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def driven(kind: str, step: Step[Any], world: World) -> Any:
    def read(limit: int) -> bytes:
        world.note("read")
        return b"body"

    async def aread(limit: int) -> bytes:
        await anyio.sleep(0)
        return read(limit)

    if kind == "threads":
        return run(step, world, read)

    async def main() -> Any:
        world.loop = threading.get_ident()
        return await arun(step, world, aread)

    return anyio.run(main, backend=kind)


def story(world: World) -> Step[str]:
    now = yield from effects.now()
    body = yield from effects.read_body(10)
    yield from effects.last_seen("key")
    world.note("check")
    fetched = yield from effects.fetch(FETCH)
    world.note("check")
    now += yield from effects.now()
    yield from effects.fetch(FETCH)
    body += yield from effects.read_body(10)
    now += yield from effects.now()
    return f"{now} {body.decode()} {fetched.body.decode()}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_driven_to_its_end(kind: str) -> None:
    world = World()
    assert driven(kind, story(world), world) == "21 bodybody fetched"
    assert world.taken() == 0


@pytest.mark.parametrize("kind", LOOPS)
def test_what_follows_a_blocking_effect_goes_on_off_the_loop_until_the_body_is_wanted(kind: str) -> None:
    world = World()
    driven(kind, story(world), world)
    assert world.performed == [
        ("Now", True),
        ("read", True),
        ("LastSeen", False),
        ("check", False),
        ("Fetch", False),
        ("check", False),
        ("Now", False),
        ("Fetch", False),
        ("read", True),
        ("Now", True),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_has_a_place_of_the_lane_that_it_works_in_and_no_place_of_a_store_besides(kind: str) -> None:
    world = World()
    seen: list[dict[str, int]] = []

    def look() -> None:
        seen.append({lane.value: len(world.lanes[lane]._places) for lane in Lane})

    def steps() -> Step[None]:
        look()
        yield from effects.last_seen("key")
        look()
        yield from effects.enter(Lane.PROVIDER)
        look()
        yield from effects.last_seen("key")
        look()
        yield from effects.fetch(FETCH)
        look()
        yield from effects.read_body(1)
        look()

    driven(kind, steps(), world)
    assert [(one["provider"], one["store"]) for one in seen] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (1, 0),
        (0, 0),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_raised_at_the_yield(kind: str) -> None:
    world = World()
    world.failure = ConnectionError("away")

    def fails() -> Step[str]:
        try:
            yield from effects.fetch(FETCH)
        except ConnectionError as error:
            yield Now()
            return str(error)
        raise AssertionError

    assert driven(kind, fails(), world) == "away"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [(), (FETCH,)])
def test_an_error_of_the_step_leaves_the_driver(kind: str, after: tuple[Effect, ...]) -> None:
    def breaks() -> Step[str]:
        if after:
            yield after[0]
        raise KeyError("broken")

    with pytest.raises(KeyError):
        driven(kind, breaks(), World())


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_cannot_be_read_is_an_error_at_the_yield(kind: str) -> None:
    class Gone(World):
        def note(self, what: str) -> None:
            if what == "read":
                raise OSError("gone")

    def reads() -> Step[str]:
        try:
            yield ReadBody(5)
        except OSError as error:
            return str(error)
        raise AssertionError

    assert driven(kind, reads(), Gone()) == "gone"


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_queue_is_an_error_at_the_yield(kind: str) -> None:
    world = World()
    world.lanes = make_lanes(0.05)
    for _ in range(MAX_PLACES[Lane.PUSHED]):
        take(world.lanes[Lane.PUSHED])

    def pushes() -> Step[str]:
        try:
            yield from effects.enter(Lane.PUSHED)
        except QueueFull as error:
            return error.code
        raise AssertionError

    assert driven(kind, pushes(), world) == "sign_in_line_full"


# --- scoped effects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_held_is_given_back_when_the_work_is_done_and_not_later(kind: str, fails: bool) -> None:
    world = World()

    def work() -> Step[int]:
        assert (world.locked, world.released) == (1, 0)
        yield from effects.fetch(FETCH)
        if fails:
            raise KeyError
        return 3

    def outer() -> Step[int]:
        try:
            value = yield from effects.holding(LOCK, work())
        except KeyError:
            value = 4
        assert (world.locked, world.released) == (1, 1)
        yield from effects.fetch(FETCH)
        return value

    assert driven(kind, outer(), world) == (4 if fails else 3)
    assert (world.locked, world.released, world.taken()) == (1, 1, 0)


def waits_in_a_thread() -> Step[None]:
    yield from effects.fetch(Fetch("GET", "https://op.example/slow"))
    yield from effects.fetch(FETCH)


def waits_for_the_body() -> Step[None]:
    yield from effects.fetch(FETCH)
    yield from effects.read_body(10)


def waits_in_queue() -> Step[None]:
    yield from effects.enter(Lane.PUSHED)


WAITS = [waits_in_a_thread, waits_for_the_body, waits_in_queue]
Call = Callable[[], Coroutine[Any, Any, None]]
Cancel = Callable[[Call, Call], Coroutine[Any, Any, None]]


async def task_cancelled(call: Call, reached: Call) -> None:
    task = asyncio.ensure_future(call())
    await reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def timed_out(call: Call, reached: Call) -> None:
    async def soon() -> None:
        await reached()
        limit.reschedule(asyncio.get_running_loop().time())

    is_over = False
    try:
        async with asyncio.timeout(None) as limit:
            task = asyncio.ensure_future(soon())
            await call()
    except TimeoutError:
        is_over = True
    assert is_over
    await task


async def scope_cancelled(call: Call, reached: Call) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await reached()
        group.cancel_scope.cancel()


HOW = [
    ("asyncio", task_cancelled),
    ("asyncio", timed_out),
    ("asyncio", scope_cancelled),
    ("trio", scope_cancelled),
]


@pytest.mark.parametrize("waits", WAITS)
@pytest.mark.parametrize(("kind", "cancel"), HOW)
def test_a_cancelled_request_gives_everything_back(
    kind: str, cancel: Cancel, waits: Callable[[], Step[None]]
) -> None:
    world = World()
    pushed = world.lanes[Lane.PUSHED]
    others = [take(pushed) for _ in range(MAX_PLACES[Lane.PUSHED])]
    closed: list[str] = []

    def step() -> Step[None]:
        try:
            yield from effects.holding(LOCK, waits())
        finally:
            closed.append("closed")

    def is_reached() -> bool:
        if waits is waits_in_a_thread:
            return world.reached.is_set()
        return len(pushed._queue) == 1 if waits is waits_in_queue else ("read", True) in world.performed

    async def reached() -> None:
        while not is_reached():
            await anyio.sleep(0.005)

    async def read(limit: int) -> bytes:
        world.note("read")
        await anyio.sleep(30)
        raise AssertionError

    async def call() -> None:
        await arun(step(), world, read)

    async def main() -> None:
        world.loop = threading.get_ident()
        await cancel(call, reached)
        assert not pushed._queue
        if waits is waits_in_a_thread:
            # The exchange cannot be interrupted: until it ends, its place and its lock are taken.
            assert (closed, world.released, len(world.lanes[Lane.PROVIDER]._places)) == ([], 0, 1)
            world.go_on.set()
            with anyio.fail_after(20):
                while world.released == 0 or len(world.lanes[Lane.PROVIDER]._places):
                    await anyio.sleep(0.005)

    anyio.run(main, backend=kind)
    assert (closed, world.locked, world.released) == (["closed"], 1, 1)
    assert sum(name == "Fetch" for name, _ in world.performed) <= 1, "it goes no further"
    for place in others:
        place.leave()
    assert eventually(lambda: world.taken() == 0)


def take(lane: BoundedLane) -> Place:
    """Take a place as a request on a loop does, whose number no server's threads limit."""
    waiter = lane.enqueue(lambda: None, is_first=True)
    return lane.place_of(waiter)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_is_gone_while_its_body_is_read_leaves_nothing_behind(kind: str) -> None:
    class Gone(World):
        def note(self, what: str) -> None:
            if what == "read":
                raise OSError("gone")

    world = Gone()
    with pytest.raises(OSError, match="gone"):
        driven(kind, effects.holding(LOCK, waits_for_the_body()), world)
    assert (world.locked, world.released, world.taken()) == (1, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_a_driver_that_fails_gives_everything_back(kind: str, failure: BaseException) -> None:
    """What a worker is ended with, by gunicorn's time-out or by a person, is no failure of the world."""
    world = World()
    world.failure = failure
    closed: list[str] = []

    def step() -> Step[None]:
        try:
            yield from effects.holding(LOCK, waits_for_the_body())
        finally:
            closed.append("closed")

    with pytest.raises(type(failure)):
        driven(kind, step(), world)
    assert closed == ["closed"]
    assert (world.locked, world.released, world.taken()) == (1, 1, 0)


def test_a_coroutine_that_is_dropped_gives_everything_back() -> None:
    world = World()
    closed: list[str] = []

    def step() -> Step[None]:
        try:
            yield from effects.holding(LOCK, waits_for_the_body_alone())
        finally:
            closed.append("closed")

    def waits_for_the_body_alone() -> Step[None]:
        yield from effects.read_body(10)

    class Suspended:
        def __await__(self) -> Any:
            yield

    async def read(limit: int) -> bytes:
        await Suspended()
        raise AssertionError

    coroutine = arun(step(), world, read)
    coroutine.send(None)
    assert (world.locked, world.released) == (1, 0)
    coroutine.close()
    assert (closed, world.released) == (["closed"], 1)


def test_what_blocks_is_given_back_off_the_loop() -> None:
    class Leases(World):
        def lane_of(self, effect: Effect) -> BoundedLane | None:
            if isinstance(effect, Lock | Release):
                return self.lanes[Lane.STORE]
            return super().lane_of(effect)

    world = Leases()

    async def read(limit: int) -> bytes:
        await trio.sleep(30)
        raise AssertionError

    async def main() -> None:
        world.loop = threading.get_ident()
        with trio.move_on_after(0.05):
            await arun(effects.holding(LOCK, waits_for_the_body()), world, read)
        while not world.released:
            await trio.sleep(0.005)

    trio.run(main)
    assert ("Release", False) in world.performed
    assert eventually(lambda: world.taken() == 0)


def test_what_cannot_be_given_back_keeps_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(World):
        def perform(self, effect: Effect) -> Any:
            if isinstance(effect, Release):
                raise ConnectionError("away")
            return super().perform(effect)

    world = Broken()

    def step() -> Step[None]:
        yield LOCK
        yield Lock("two")
        yield from effects.fetch(FETCH)
        raise KeyError

    with pytest.raises(KeyError):
        run(step(), world, lambda limit: b"")
    assert world.taken() == 0
    assert caplog.record_tuples == [
        ("oidc_gate", logging.ERROR, f"{taken!r} could not be released") for taken in (Lock("two"), LOCK)
    ]


def test_no_step_yields_in_a_finally() -> None:
    """A closed generator cannot wait: such an effect would be lost, and the generator with it."""
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Try):
                inner = [one for statement in node.finalbody for one in ast.walk(statement)]
                if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in inner):
                    found.append(f"{file.relative_to(SOURCE)}:{node.lineno}")
    assert found == []


def test_a_step_that_had_a_place_before_does_not_enter_as_a_new_one() -> None:
    """It would be refused at once where lines are full, after it has spent its authorization code."""
    world, entered = World(), list[tuple[Lane, bool]]()

    def watch(lane: Lane) -> None:
        enter = world.lanes[lane].enter

        def watched(*, is_first: bool = True) -> Place:
            entered.append((lane, is_first))
            return enter(is_first=is_first)

        world.lanes[lane].enter = watched  # type: ignore[method-assign]

    watch(Lane.STORE)
    watch(Lane.PROVIDER)

    def step() -> Step[None]:
        yield Enter(Lane.STORE)
        yield Enter(Lane.PROVIDER)
        yield ReadBody(1)  # every place is left here
        yield Enter(Lane.PROVIDER)
        yield Enter(Lane.STORE)

    run(step(), world, lambda limit: b"")
    first = [(Lane.STORE, True), (Lane.PROVIDER, True)]
    assert entered == [*first, (Lane.PROVIDER, False), (Lane.STORE, False)]
