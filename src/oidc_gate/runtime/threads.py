"""Lanes: a limited number of places for each kind of blocking work, with a limited queue in front of them.

On an event loop, a place stands for a thread of the gate, and a request that waits in the queue needs no thread. Under
WSGI, a request has a thread of the server, and holds it while it waits. There the number of places follows the number
of threads that the server uses, one thread in four is left for other requests, and a request waits for at most half a
second. A request that gets no place is refused, with the time at which to try again.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident

from ..effects import Lane
from ..errors import QueueFull

# urllib3 keeps 8 connections to a host. Any client can cause pushed requests, so they get few places.
MAX_PLACES = {Lane.PROVIDER: 16, Lane.PUSHED: 4, Lane.STORE: 16}
MAX_WAITING = {Lane.PROVIDER: 256, Lane.PUSHED: 64, Lane.STORE: 256}
# Under WSGI, there is one place for this number of server threads.
THREADS_FOR_A_PLACE = {Lane.PROVIDER: 2, Lane.PUSHED: 4, Lane.STORE: 1}
# In these lanes each operation finds a place of its own. In the others a step keeps its place until it ends.
BRIEF = frozenset({Lane.STORE})
MAX_THREAD_WAIT_SECONDS = 0.5
MAX_STORE_WAIT_SECONDS = 0.4  # a store answers within 1.5 s, so that a request is refused within two
THREAD_SEEN_SECONDS = 300.0

MIN_TURN_SECONDS, MAX_TURN_SECONDS = 0.5, 10.0
_FIRST_GUESS_SECONDS = 0.3
_WEIGHT_OF_NEWEST = 0.2


class ServerThreads:
    """The threads in which a WSGI server calls the gate, as far as the gate knows them.

    Attributes:
        lock: Protects this object and the lanes that share it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.Lock()
        self._clock = clock
        self._held: Counter[int] = Counter()
        self._seen: dict[int, float] = {}

    def see(self) -> bool:
        """Record the calling thread, and return whether it was known before."""
        now, ident = self._clock(), get_ident()
        oldest = now - THREAD_SEEN_SECONDS
        self._seen = {ident: at for ident, at in self._seen.items() if at > oldest}
        was_seen = ident in self._seen
        self._seen[ident] = now
        return was_seen

    def hold(self, thread: int) -> None:
        """Record that `thread` sends a request to the provider, or waits to do so, or waits for its client."""
        self._held[thread] += 1

    def release(self, thread: int) -> None:
        """Undo one `hold`."""
        self._held[thread] -= 1
        if not self._held[thread]:
            del self._held[thread]

    def holds_current(self) -> bool:
        """Return whether the calling thread is held already."""
        return get_ident() in self._held

    @property
    def held(self) -> int:
        """Return how many threads are held. One that has places in two lanes is one thread."""
        return len(self._held)

    def is_short(self) -> bool:
        """Return whether so many are held that hardly any is left."""
        return self.held >= max(2, self.count - max(1, self.count // 4))

    @contextmanager
    def holding(self) -> Iterator[bool]:
        """Hold the calling thread while the block waits for its client; the value is false if few are left."""
        if _is_waiting_cheap():
            yield True
            return
        current = get_ident()
        with self.lock:
            self.see()
            is_free = not self.is_short()
            if is_free:
                self.hold(current)
        try:
            yield is_free
        finally:
            if is_free:
                with self.lock:
                    self.release(current)

    @property
    def count(self) -> int:
        """Return the number of threads that were seen within the last minutes."""
        return len(self._seen)


@dataclass(eq=False, slots=True)
class Place:
    """A place in a lane.

    Args:
        thread: The thread of a WSGI server that it holds; None on an event loop.
    """

    lane: BoundedLane
    since: float
    thread: int | None

    def leave(self) -> None:
        """Give the place to the first request in the queue."""
        self.lane.leave(self)


@dataclass(eq=False, slots=True)
class Waiter:
    """A request in the queue of a lane.

    Args:
        wake: Notifies the request, from any thread, that it has a place. It raises RuntimeError if its event loop is
            closed.
        thread: The thread of a WSGI server that it holds; None on an event loop.
        place: The place that it got; None while it waits.
    """

    wake: Callable[[], object]
    thread: int | None = None
    place: Place | None = field(default=None)


class BoundedLane:
    """One lane of this process. It is safe under threads and under event loops, of which there may be several.

    Args:
        threads: The server threads, shared by the lanes of one gate.
        wait_seconds: How long a request waits in the queue if it needs no thread to wait.
        prepare: Called before a request waits in its thread, for work that takes time without the provider.
        clock: A monotonic clock in seconds.

    Attributes:
        is_brief: Whether a step leaves its place as soon as it waits for something else.
    """

    def __init__(
        self,
        lane: Lane,
        threads: ServerThreads,
        *,
        wait_seconds: float,
        prepare: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wait_seconds, self.is_brief = wait_seconds, lane in BRIEF
        self._lane, self._prepare, self._clock = lane, prepare, clock
        self._threads, self._lock = threads, threads.lock
        self._places: list[Place] = []  # oldest first
        self._queue: deque[Waiter] = deque()
        self._is_scarce = THREADS_FOR_A_PLACE[lane] > 1
        self._typical_seconds = _FIRST_GUESS_SECONDS
        self._last_turn = 0.0

    def enter(self, *, is_first: bool = True) -> Place:
        """Return a place, after waiting for it in this thread if necessary.

        Args:
            is_first: False for a step that had a place before. It is not refused without waiting.

        Raises:
            QueueFull: No place becomes free soon enough.
        """
        if self._prepare is not None:
            self._prepare()
        event, is_cheap = threading.Event(), _is_waiting_cheap()
        enqueue = self.enqueue if is_cheap else self._enqueue_thread
        waiter = enqueue(event.set, is_first=is_first)
        try:
            if not is_cheap:
                self._wait_in_thread(waiter, event, is_first=is_first)
            elif waiter.place is None:
                event.wait(self.wait_seconds)
        except BaseException:  # a signal, or the end of a greenlet; the place would be lost
            self.withdraw(waiter)
            raise
        return self.place_of(waiter)

    def load(self) -> tuple[int, int]:
        """Return how many places are taken, and how many requests wait."""
        with self._lock:
            return len(self._places), len(self._queue)

    def take(self) -> Place | None:
        """Return a place if one is free and no request waits for it."""
        with self._lock:
            if self._queue or len(self._places) >= MAX_PLACES[self._lane]:
                return None
            return self._give(None)

    def enqueue(self, wake: Callable[[], object], *, is_first: bool) -> Waiter:
        """Return a waiter. If there is a free place, it has that place already.

        Raises:
            QueueFull: The queue is full.
        """
        with self._lock:
            if is_first and len(self._queue) >= MAX_WAITING[self._lane]:
                raise self._refusal("the queue is full")
            waiter = Waiter(wake)
            woken = self._append(waiter)
        self._wake(woken)
        return waiter

    def place_of(self, waiter: Waiter) -> Place:
        """Return the place of a request that has finished waiting.

        Raises:
            QueueFull: It got no place. It leaves the queue.
        """
        with self._lock:
            if waiter.place is not None:
                return waiter.place
            self._remove(waiter)
            raise self._refusal("no place became free in time")

    def withdraw(self, waiter: Waiter) -> None:
        """Leave the queue, or the place that the request has got in the meantime."""
        with self._lock:
            place = waiter.place
            if place is None:
                self._remove(waiter)
        if place is not None:
            self.leave(place)

    def leave(self, place: Place) -> None:
        """Give `place` to the first request in the queue."""
        with self._lock:
            self._places.remove(place)
            self._release(place.thread)
            taken = self._clock() - place.since
            self._typical_seconds += _WEIGHT_OF_NEWEST * (taken - self._typical_seconds)
            woken = self._fill_places()
        self._wake(woken)

    def _wake(self, waiters: list[Waiter]) -> None:
        for waiter in waiters:
            try:
                waiter.wake()
            except RuntimeError:  # its event loop is closed, so the request will never come
                self.withdraw(waiter)

    def _enqueue_thread(self, wake: Callable[[], object], *, is_first: bool) -> Waiter:
        with self._lock:
            # An unknown thread shows that the server has more threads than were known, so it may wait. So may a step
            # that holds its thread already, because it has a place in another lane.
            may_wait = not self._threads.see() or not is_first or self._threads.holds_current()
            if self._is_scarce and not may_wait and (limit := self._exceeded_limit()):
                raise self._refusal(limit)
            waiter = Waiter(wake, thread := get_ident())
            if self._is_scarce:
                self._threads.hold(thread)
            woken = self._append(waiter)
        self._wake(woken)
        return waiter

    def _wait_in_thread(self, waiter: Waiter, event: threading.Event, *, is_first: bool) -> None:
        """Wait while the work in the lane is recent and therefore will probably be done soon."""
        until = self._clock() + self.wait_seconds
        while waiter.place is None:
            left = until - self._clock()
            if is_first:
                with self._lock:
                    left = min(left, MAX_THREAD_WAIT_SECONDS - self._age())
            if left <= 0:
                return
            event.wait(left)

    def _append(self, waiter: Waiter) -> list[Waiter]:
        self._queue.append(waiter)
        return self._fill_places()

    def _remove(self, waiter: Waiter) -> None:
        self._queue.remove(waiter)
        self._release(waiter.thread)

    def _release(self, thread: int | None) -> None:
        if self._is_scarce and thread is not None:
            self._threads.release(thread)

    def _fill_places(self) -> list[Waiter]:
        woken = []
        while self._queue and len(self._places) < self._limit(self._queue[0].thread is not None):
            waiter = self._queue.popleft()
            waiter.place = self._give(waiter.thread)
            woken.append(waiter)
        return woken

    def _give(self, thread: int | None) -> Place:
        place = Place(self, self._clock(), thread)
        self._places.append(place)
        return place

    def _limit(self, is_in_thread: bool) -> int:
        """Return the number of places."""
        if not is_in_thread:
            return MAX_PLACES[self._lane]
        return min(max(1, self._threads.count // THREADS_FOR_A_PLACE[self._lane]), MAX_PLACES[self._lane])

    def _exceeded_limit(self) -> str:
        """Return why no further thread of the server may be held; empty if one may."""
        held, count = self._threads.held, self._threads.count
        if self._threads.is_short():
            return f"{held} of {count} known threads of the server wait, and one in four stays free"
        own = sum(place.thread is not None for place in self._places)
        own += sum(waiter.thread is not None for waiter in self._queue)
        if self._lane is Lane.PUSHED and own >= max(1, count // 2):
            return f"pushed requests may hold half of the {count} known threads of the server"
        return ""

    def _age(self) -> float:
        """Return for how many seconds the oldest place has been taken."""
        return self._clock() - self._places[0].since if self._places else 0.0

    def _refusal(self, limit: str) -> QueueFull:
        """Return the refusal. The times to try again are spread, so that requests return one by one, as places free.

        Args:
            limit: Which limit was reached, for the log.
        """
        now, places = self._clock(), max(1, len(self._places))
        turn = max(self._last_turn + self._typical_seconds / places, now + MIN_TURN_SECONDS)
        self._last_turn = min(turn, now + MAX_TURN_SECONDS)
        wait = self._last_turn - now
        detail = f"{self._lane.value}: {len(self._places)} under way, {len(self._queue)} waiting: {limit}"
        if self._lane is Lane.STORE:
            message = "This service is very busy at the moment."
            return QueueFull("store_line_full", message, detail=detail, retry_after_seconds=wait)
        message = "Many users are signing in at the moment."
        return QueueFull("sign_in_line_full", message, detail=detail, retry_after_seconds=wait)


def make_lanes(
    wait_seconds: float, prepare: Callable[[], None] | None = None, threads: ServerThreads | None = None
) -> dict[Lane, BoundedLane]:
    """Return the lanes of one gate in one process.

    Args:
        wait_seconds: See `BoundedLane`.
        prepare: For the lanes to the provider.
    """
    shared = threads or ServerThreads()

    def make(lane: Lane) -> BoundedLane:
        if lane is Lane.STORE:
            return BoundedLane(lane, shared, wait_seconds=min(wait_seconds, MAX_STORE_WAIT_SECONDS))
        return BoundedLane(lane, shared, wait_seconds=wait_seconds, prepare=prepare)

    return {lane: make(lane) for lane in Lane}


def _is_waiting_cheap() -> bool:
    """Return whether threads are greenlets, of which thousands can wait."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
