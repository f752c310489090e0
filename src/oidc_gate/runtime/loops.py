"""How a step is driven on an event loop, asyncio's or trio's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from ..effects import Effect, ReadBody, Step
from .driver import Ended, Hold, World, advance, resumed
from .threads import BoundedLane, Place

T = TypeVar("T")
AReadsBody = Callable[[int], Awaitable[bytes]]


async def arun(step: Step[T], world: World, read: AReadsBody) -> T:
    """Drive `step` to its end on an event loop.

    What follows a blocking effect goes on in its thread, up to the next one of another lane: two exchanges take one
    way there and back, and the checking of a signature does not hold up the loop.

    Args:
        read: Reads the request's body, given a limit in bytes.
    """
    drive = _Drive(step, world, read)
    try:
        reached = drive.advance(partial(next, step))
        while not isinstance(reached, Ended):
            reached = await drive.pass_effect(reached)
    finally:
        drive.finish()
    value: T = reached.value
    return value


class _Drive(Generic[T]):
    """One step on its way, on the loop or in a thread; the one that has it last closes it.

    A cancelled request leaves its thread behind: an exchange cannot be interrupted. The thread keeps the step's
    places until the exchange has ended, stops there, and gives everything back.
    """

    def __init__(self, step: Step[T], world: World, read: AReadsBody) -> None:
        self._step, self._world, self._read = step, world, read
        self._hold = Hold(step, world)
        self._lock = threading.Lock()
        self._is_in_thread = self._is_over = False

    def advance(self, resume: Callable[[], Effect]) -> Effect | Ended[T]:
        """Resume the step on the loop, up to the first effect that has to be waited for."""
        return advance(self._step, self._hold.perform, resume, self._waits)

    async def pass_effect(self, effect: Effect) -> Effect | Ended[T]:
        """Wait for `effect`, and go on to the next that has to be waited for."""
        if isinstance(effect, ReadBody):
            return self.advance(await self._read_body(effect))
        try:
            lane = await self._enter(effect)
        except Exception as error:
            return self.advance(partial(self._step.throw, error))
        reached = await in_thread(partial(self._go_on, effect, lane))
        assert reached is not None
        return reached

    async def _read_body(self, effect: ReadBody) -> Callable[[], Effect]:
        self._hold.leave_places()
        try:
            return partial(self._step.send, await self._read(effect.limit))
        except Exception as error:
            return partial(self._step.throw, error)

    async def _enter(self, effect: Effect) -> BoundedLane:
        lane = self._world.lane_of(effect)
        assert lane is not None
        if self._hold.has_to_enter(lane):
            self._hold.keep(await enter(lane, is_first=self._hold.enters_first(lane)))
        return lane

    def finish(self) -> None:
        """Close the step and give back what it holds, unless a thread is at it and will do so."""
        with self._lock:
            self._is_over = True
            if self._is_in_thread:
                return
        if self._hold.blocks():
            threading.Thread(target=self._hold.close, name="oidc_gate-release", daemon=True).start()
        else:
            self._hold.close()

    def _waits(self, effect: Effect) -> bool:
        return isinstance(effect, ReadBody) or self._world.lane_of(effect) is not None

    def _go_on(self, effect: Effect, lane: BoundedLane) -> Effect | Ended[T] | None:
        """Perform `effect` in this thread, and go on as far as the thread may; None if the request is over."""
        if not self._claim():
            return None

        def stops(other: Effect) -> bool:
            if self._is_over or isinstance(other, ReadBody):
                return True
            return self._world.lane_of(other) not in (None, lane)

        perform = self._hold.perform
        try:
            return advance(self._step, perform, partial(resumed, self._step, perform, effect), stops)
        finally:
            if self._is_last():
                self._hold.close()

    def _claim(self) -> bool:
        """Take the step into this thread, unless the loop has closed it meanwhile."""
        with self._lock:
            self._is_in_thread = not self._is_over
            return self._is_in_thread

    def _is_last(self) -> bool:
        """Hand the step back; true if the loop does not want it any more."""
        with self._lock:
            self._is_in_thread = False
            return self._is_over


async def enter(lane: BoundedLane, *, is_first: bool = True) -> Place:
    """Return a place in `lane`, after waiting for it if need be.

    Args:
        is_first: See `BoundedLane.enter`.

    Raises:
        LineFull: The line is full, or did not move in time.
    """
    event = anyio.Event()
    waiter = lane.line_up(_setting(event), is_first=is_first)
    if waiter.place is None:
        try:
            with anyio.move_on_after(lane.wait_seconds):
                await event.wait()
        except BaseException:  # the request was cancelled
            lane.withdraw(waiter)
            raise
    return lane.place_of(waiter)


async def in_thread(call: Callable[[], T]) -> T:
    """Call `call` in a thread that is not the application's, and return its result.

    Who is cancelled does not wait for it. No limiter of `anyio` bounds how many there are, but the lane in which the
    caller has a place; `call` has to see to it that the place is kept until it has ended.
    """
    return await to_thread.run_sync(call, abandon_on_cancel=True, limiter=CapacityLimiter(1))


def is_on_a_loop() -> bool:
    """Tell whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")  # a worker that runs none is spared the import
    return (asyncio is not None and asyncio._get_running_loop() is not None) or _trio() is not None


def _setting(event: anyio.Event) -> Callable[[], object]:
    """Return a function that sets `event` from any thread, and raises RuntimeError if this loop is closed."""
    trio = _trio()
    if trio is not None:
        token = trio.lowlevel.current_trio_token()
        return lambda: token.run_sync_soon(event.set)
    loop = sys.modules["asyncio"].get_running_loop()
    return lambda: loop.call_soon_threadsafe(event.set)


def _trio() -> Any:
    """Return trio if its loop runs in this thread."""
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_run() else None
