"""The driver of steps: it performs their effects one after another, and releases what they hold.

`run` is the driver for threads; `oidc_gate.runtime.loops` has the one for event loops. Both close the step and release
what it holds, however it ends: with a result, with an exception, or because the request is cancelled.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..effects import (
    AddOnce,
    Effect,
    Enter,
    LastSeen,
    ReadBody,
    Release,
    Scoped,
    Step,
    StoreCall,
    TakeLease,
    WaitFor,
)
from ..store.base import unavailable
from ..store.time_limit import limited_until
from .threads import BoundedLane, Place

T = TypeVar("T")
log = logging.getLogger("oidc_gate")

MAX_STORE_SECONDS = 2.0
"""How long one request may wait for the store, in the queue and in all its calls together."""


class World(Protocol):
    """An object that performs effects."""

    def lane_of(self, effect: Effect) -> BoundedLane | None:
        """Return the lane of an effect that may wait for a network or a disk; None for any other."""

    def perform(self, effect: Effect) -> Any:
        """Perform `effect` and return its result, or raise the exception for the ``yield``."""


ReadsBody = Callable[[int], bytes]


def run(step: Step[T], world: World, read: ReadsBody, *, in_lanes: bool = True) -> T:
    """Run `step` to its end in this thread.

    Args:
        read: Reads the request's body, given a limit in bytes.
        in_lanes: False for background work, which takes no place in a lane.
    """
    hold = Hold(step, world, is_limited=in_lanes)

    def perform(effect: Effect) -> Any:
        if isinstance(effect, ReadBody):
            hold.leave_places()
            return read(effect.limit)
        if isinstance(effect, WaitFor):
            hold.leave_places()
            return hold.perform(effect) if in_lanes else effect.signal.wait(effect.seconds)
        # A release is never refused, however long the queue is.
        lane = world.lane_of(effect) if in_lanes and not isinstance(effect, Release) else None
        if lane is not None and hold.has_to_enter(lane):
            with hold.waiting_for(lane):
                hold.keep(lane.enter(is_first=hold.enters_first(lane)))
        return hold.perform(effect)

    try:
        reached = advance(step, perform, partial(next, step))
    finally:
        hold.close()
    assert isinstance(reached, Ended)
    value: T = reached.value
    return value


class Hold:
    """Everything that one step holds: its places in lanes, and what its scoped effects acquired.

    Args:
        is_limited: Whether a request waits for the step, so that it may not wait for the store longer than
            `MAX_STORE_SECONDS`.
    """

    def __init__(self, step: Step[Any], world: World, *, is_limited: bool = True) -> None:
        self._step, self._world = step, world
        self._is_limited, self._store_seconds = is_limited, 0.0
        self._places: list[Place] = []
        self._entered: list[BoundedLane] = []
        self._releases: list[Release] = []

    def has_to_enter(self, lane: BoundedLane) -> bool:
        """Return whether the step has no place in `lane`, and leave the lanes in which it has no more work."""
        for place in [place for place in self._places if place.lane.is_brief and place.lane is not lane]:
            self._places.remove(place)
            place.leave()
        return all(place.lane is not lane for place in self._places)

    def enters_first(self, lane: BoundedLane) -> bool:
        """Return whether the step had no place in `lane` before."""
        return lane not in self._entered

    def keep(self, place: Place) -> None:
        """Keep `place` for the step."""
        self._places.append(place)
        self._entered.append(place.lane)

    @contextmanager
    def waiting_for(self, lane: BoundedLane) -> Iterator[None]:
        """Add the time of the block to the time that the step has waited for the store, if `lane` is its lane."""
        if not lane.is_brief:
            yield
            return
        with self._counted():
            yield

    @contextmanager
    def _counted(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._store_seconds += time.monotonic() - started

    def leave_places(self) -> None:
        """Leave every place, before the step waits for the client and at its end."""
        while self._places:
            self._places.pop().leave()

    def perform(self, effect: Effect) -> Any:
        """Perform `effect`, and record what has to be released."""
        if isinstance(effect, Enter):
            return None
        if isinstance(effect, Release):
            self._releases.remove(effect)
        result = self._perform(effect)
        if isinstance(effect, Scoped):
            self._releases.append(Release(effect, result))
        return result

    def _perform(self, effect: Effect) -> Any:
        if not self._is_limited or not isinstance(effect, _ASK_STORE):
            return self._world.perform(effect)
        left = MAX_STORE_SECONDS - self._store_seconds
        if left <= 0 and not isinstance(effect, Release):
            raise unavailable(f"this request has waited for the store for {MAX_STORE_SECONDS:g} s")
        with self._counted(), limited_until(time.monotonic() + left):
            return self._world.perform(effect)

    def blocks(self) -> bool:
        """Return whether `close` may wait for a network or a disk."""
        return any(self._world.lane_of(release) is not None for release in self._releases)

    def close(self) -> None:
        """Close the step, and release what it holds."""
        try:
            self._step.close()
        finally:
            while self._releases:
                self._give_back(self._releases.pop())
            self.leave_places()

    def _give_back(self, release: Release) -> None:
        try:
            self._perform(release)
        except Exception:
            log.exception("%s could not be released", release.taken)


_ASK_STORE = (StoreCall, AddOnce, LastSeen, TakeLease, Release)


class Ended(NamedTuple, Generic[T]):
    """The result of a step that has ended."""

    value: T


def _never(effect: Effect) -> bool:
    return False


def advance(
    step: Step[T],
    perform: Callable[[Effect], Any],
    resume: Callable[[], Effect],
    stops: Callable[[Effect], bool] = _never,
) -> Effect | Ended[T]:
    """Resume `step` and perform its effects in this thread, until one that `stops` here, or until it ends."""
    try:
        effect = resume()
        while not stops(effect):
            effect = resumed(step, perform, effect)
    except StopIteration as end:
        return Ended(end.value)
    return effect


def resumed(step: Step[T], perform: Callable[[Effect], Any], effect: Effect) -> Effect:
    """Perform `effect` and return the next one of `step`. A failure is raised at the ``yield``."""
    try:
        result = perform(effect)
    except Exception as error:
        return step.throw(error)
    return step.send(result)
