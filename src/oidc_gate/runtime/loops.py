"""The driver of steps on an event loop of asyncio or trio."""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from ..effects import Effect, ReadBody, Release, Step, WaitFor
from .driver import Ended, Hold, World, advance, resumed
from .threads import BoundedLane, Place

T = TypeVar("T")
AReadsBody = Callable[[int], Awaitable[bytes]]


async def arun(step: Step[T], world: World, read: AReadsBody) -> T:
    """Run `step` to its end on an event loop.

    After a blocking effect, the step continues in the same thread until the next effect of another lane. Two requests
    to the provider then need only one switch of threads, and verifying a signature does not block the loop.

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
    """One running step. It moves between the loop and a thread, and the last of them to use it closes it.

    If the request is cancelled, a thread may still be running, because an exchange cannot be interrupted. The thread
    keeps the step's places until the exchange has ended, stops there, and releases everything.
    """

    def __init__(self, step: Step[T], world: World, read: AReadsBody) -> None:
        self._step, self._world, self._read = step, world, read
        self._hold = Hold(step, world)
        self._lock = threading.Lock()
        self._is_in_thread = self._is_over = False

    def advance(self, resume: Callable[[], Effect]) -> Effect | Ended[T]:
        """Resume the step on the loop, until the first effect that has to be awaited."""
        return advance(self._step, self._hold.perform, resume, self._waits)

    async def pass_effect(self, effect: Effect) -> Effect | Ended[T]:
        """Wait for `effect`, and continue until the next one that has to be awaited."""
        if isinstance(effect, ReadBody):
            return self.advance(await self._read_body(effect))
        if isinstance(effect, WaitFor):
            self._hold.leave_places()
            return self.advance(partial(self._step.send, await await_signal(effect)))
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
        # A release is never refused, however long the queue is.
        if not isinstance(effect, Release) and self._hold.has_to_enter(lane):
            with self._hold.waiting_for(lane):
                self._hold.keep(await enter(lane, is_first=self._hold.enters_first(lane)))
        return lane

    def finish(self) -> None:
        """Close the step and release what it holds, unless a thread still runs it and will do so."""
        with self._lock:
            self._is_over = True
            if self._is_in_thread:
                return
        if self._hold.blocks():
            threading.Thread(target=self._hold.close, name="oidc_gate-release", daemon=True).start()
        else:
            self._hold.close()

    def _waits(self, effect: Effect) -> bool:
        return isinstance(effect, ReadBody | WaitFor) or self._world.lane_of(effect) is not None

    def _go_on(self, effect: Effect, lane: BoundedLane) -> Effect | Ended[T] | None:
        """Perform `effect` in this thread and continue as far as the thread may; None if the request has ended."""
        if not self._claim():
            return None

        def stops(other: Effect) -> bool:
            if self._is_over or isinstance(other, ReadBody | WaitFor):
                return True
            return self._world.lane_of(other) not in (None, lane)

        perform = self._hold.perform
        try:
            return advance(self._step, perform, partial(resumed, self._step, perform, effect), stops)
        finally:
            if self._is_last():
                self._hold.close()

    def _claim(self) -> bool:
        """Move the step into this thread, unless the loop has closed it."""
        with self._lock:
            self._is_in_thread = not self._is_over
            return self._is_in_thread

    def _is_last(self) -> bool:
        """Return the step to the loop, and return whether the loop does not need it any more."""
        with self._lock:
            self._is_in_thread = False
            return self._is_over


async def enter(lane: BoundedLane, *, is_first: bool = True) -> Place:
    """Return a place in `lane`, after waiting for it if necessary.

    Args:
        is_first: See `BoundedLane.enter`.

    Raises:
        QueueFull: The queue is full, or did not move in time.
    """
    if (place := lane.take()) is not None:
        return place
    event = anyio.Event()
    waiter = lane.enqueue(setter_of(event), is_first=is_first)
    if waiter.place is None:
        try:
            with anyio.move_on_after(lane.wait_seconds):
                await event.wait()
        except BaseException:  # the request was cancelled
            lane.withdraw(waiter)
            raise
    return lane.place_of(waiter)


async def await_signal(effect: WaitFor) -> bool:
    """Wait for a signal on the loop, and return whether it was set."""
    event = anyio.Event()
    wake = setter_of(event)
    effect.signal.when_set(wake)
    try:
        with anyio.move_on_after(effect.seconds):
            await event.wait()
    finally:
        effect.signal.forget(wake)
    return effect.signal.is_set()


async def in_thread(call: Callable[[], T]) -> T:
    """Call `call` in a thread that does not belong to the application, and return its result.

    A cancelled caller does not wait for it. The number of threads is limited not by `anyio` but by the lane in which
    the caller has a place. `call` must make sure that the place is kept until it has ended.
    """
    return await to_thread.run_sync(call, abandon_on_cancel=True, limiter=CapacityLimiter(1))


def is_on_a_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")  # a worker without asyncio does not have to import it
    return (asyncio is not None and asyncio._get_running_loop() is not None) or _trio() is not None


def setter_of(event: anyio.Event) -> Callable[[], object]:
    """Return a function that sets `event` from any thread. It raises RuntimeError if this loop is closed."""
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
