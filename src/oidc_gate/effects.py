"""The effects: everything that the core may request from outside.

The core reads no clock, uses no randomness and opens no socket. When it needs something from outside it *yields* an
effect and receives the result. `oidc_gate.runtime.driver` has the two drivers that perform effects, for threads and
for event loops. If an effect fails, its exception is raised at the ``yield``.

Never yield in a ``finally`` block: a generator that is being closed cannot wait for anything. What must be released is
a scoped effect, such as `Lock`: the driver releases it, however the step ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

from .model import HeaderList

T = TypeVar("T")


class Lane(Enum):
    """A kind of work that may wait for a network or a disk.

    Each lane has its own places and its own queue in front of them, so that one kind never waits for another.
    """

    PROVIDER = "provider"
    """Requests to the provider."""
    PUSHED = "pushed"
    """Pushed authorization requests (RFC 9126), of which anonymous clients can cause any number."""
    STORE = "store"
    """Reads and writes of a store that is shared with other processes."""


@dataclass(frozen=True, slots=True)
class Now:
    """The time in epoch seconds. It is an effect, because after a `Fetch` the previous time is out of date.

    Args:
        is_latest: If the clock went back a little, return the latest time that was returned before. A session that
            ends now then never ends before it began.
    """

    is_latest: bool = False


@dataclass(frozen=True, slots=True)
class Random:
    """`size` unpredictable bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class ReadBody:
    """The body of the request, at most `limit` + 1 bytes, so that a body that is too long can be detected."""

    limit: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP request to the provider, with TLS verified, without redirects, and with a limited body.

    Args:
        max_bytes: A longer body is an error.
        lane: The lane in which it is performed.
    """

    method: str
    url: str
    headers: HeaderList = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = 1 << 20
    lane: Lane = Lane.PROVIDER


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer, with any status, including redirects.

    Header names are lower case, repeated ones joined by a comma.
    """

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddOnce:
    """Store `key` until the epoch second `until`.

    The result says whether it was new; only one concurrent caller wins.
    """

    key: str
    until: int


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The epoch second when the newest of `keys` was stored, or None if there is none, or all have expired."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoreCall:
    """One call of the session store: the result of `call`, which is given the `oidc_gate.store.base.Store`.

    `oidc_gate.session.ends.ask` yields it, with types.
    """

    call: Callable[[Any], Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enter:
    """Wait for a place in `lane`. The step keeps the place until it ends or reads the request's body.

    Every effect that blocks enters its lane by itself. A step enters beforehand if it checks something again after
    waiting, or if it must not be refused half-way.
    """

    lane: Lane


@dataclass(frozen=True, slots=True)
class Lock:
    """Wait for the lock with this name in this process, and hold it; see `holding`. It is a scoped effect."""

    name: str


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Take the lease `name` in the session store, and keep it until it is released; see `with_lease`.

    The result is None if another process or thread has it. It is a scoped effect.

    Args:
        ttl_seconds: How long others wait if this process ends without releasing it, at most 60.
    """

    name: bytes
    ttl_seconds: float


class Signal:
    """Something that happens once. Steps wait for it with `WaitFor`. It is safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._wakes: list[Callable[[], object]] = []

    def set(self) -> None:
        """Wake everything that waits."""
        with self._lock:
            self._event.set()
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            with suppress(RuntimeError):  # an event loop that is closed
                wake()

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait in this thread, and return whether it has happened."""
        return self._event.wait(seconds)

    def when_set(self, wake: Callable[[], object]) -> None:
        """Call `wake` as soon as it happens, from any thread; at once if it has happened."""
        with self._lock:
            if not self._event.is_set():
                self._wakes.append(wake)
                return
        wake()

    def forget(self, wake: Callable[[], object]) -> None:
        """Do not call `wake` any more."""
        with self._lock, suppress(ValueError):
            self._wakes.remove(wake)


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait until `signal` is set, for `seconds` at most, without a place in any lane.

    The result says whether it was set. Under WSGI, if few threads of the server are left, the request is refused with
    `QueueFull` instead.
    """

    signal: Signal
    seconds: float


@dataclass(frozen=True, slots=True)
class Release:
    """Release what the scoped effect `taken` acquired. `result` is what it returned."""

    taken: Scoped
    result: Any


@dataclass(frozen=True, slots=True)
class ReadMetrics:
    """The counts of all processes: by the name of a metric and the values of its labels."""


@dataclass(frozen=True, slots=True)
class Background:
    """Perform the step that `start` returns in a separate thread. The requesting step does not wait for it.

    An exception in that step is logged as an error of this package.
    """

    start: Callable[[], Step[None]]


Scoped = Lock | TakeLease
"""Effects that acquire something. If the step ends without releasing it, the driver releases it with `Release`."""

Effect = (
    Now
    | Random
    | ReadBody
    | Fetch
    | AddOnce
    | LastSeen
    | StoreCall
    | Enter
    | Lock
    | TakeLease
    | WaitFor
    | Release
    | ReadMetrics
    | Background
)
Step = Generator[Effect, Any, T]
"""A part of a decision: a generator that yields effects and returns a `T`."""


def now() -> Step[int]:
    """Return the time in epoch seconds."""
    return int((yield Now()))


def latest_now() -> Step[int]:
    """Return the time in epoch seconds, never earlier than what `now` returned, within the clock skew."""
    return int((yield Now(is_latest=True)))


def random(size: int) -> Step[bytes]:
    """Return `size` unpredictable bytes."""
    result: bytes = yield Random(size)
    return result


def read_body(limit: int) -> Step[bytes]:
    """Return the body of the request, at most `limit` + 1 bytes."""
    result: bytes = yield ReadBody(limit)
    return result


def fetch(effect: Fetch) -> Step[Fetched]:
    """Return the answer of the provider.

    Raises:
        ProviderUnavailable: There was no answer in time, or no connection.
        ProviderError: The answer is too long.
        QueueFull: Too many requests are under way.
    """
    result: Fetched = yield effect
    return result


def add_once(key: str, until: int) -> Step[bool]:
    """Store `key` until `until`, and return whether it was new."""
    return bool((yield AddOnce(key, until)))


def last_seen(*keys: str) -> Step[int | None]:
    """Return when the newest of `keys` was stored, or None."""
    result: int | None = yield LastSeen(keys)
    return result


def enter(lane: Lane) -> Step[None]:
    """Wait for a place in `lane`.

    Raises:
        QueueFull: The queue is full, or did not move in time.
    """
    yield Enter(lane)


def holding(scoped: Scoped, step: Step[T]) -> Step[T]:
    """Run `step` while holding what `scoped` acquires, and return its result.

    It is released when `step` has ended. If `step` never ends, because the request is cancelled or the driver fails,
    the driver releases it.
    """
    result = yield scoped
    try:
        value = yield from step
    except Exception:
        yield Release(scoped, result)
        raise
    yield Release(scoped, result)
    return value


def with_lease(lease: TakeLease, work: Callable[[bool], Step[T]]) -> Step[T]:
    """Run the step that `work` returns while holding `lease` if it is free, and return its result.

    Args:
        work: Called with True if the lease is held, or False if another holder has it. Returns the step.
    """
    held = yield lease
    try:
        value = yield from work(held is not None)
    except Exception:
        yield Release(lease, held)
        raise
    yield Release(lease, held)
    return value


def wait_for(signal: Signal, seconds: float) -> Step[bool]:
    """Wait until `signal` is set, and return whether it was set in time.

    Raises:
        QueueFull: Too few threads of the server are left.
    """
    return bool((yield WaitFor(signal, seconds)))


def read_metrics() -> Step[dict[tuple[str, ...], float]]:
    """Return the counts of all processes; empty if nothing is counted."""
    result: dict[tuple[str, ...], float] = yield ReadMetrics()
    return result


def in_background(start: Callable[[], Step[None]]) -> Step[None]:
    """Perform the step that `start` returns in a separate thread, and continue at once."""
    yield Background(start)


class ExpiringKeys(Protocol):
    """A store for keys that expire. Every operation is atomic for all processes that share the store."""

    @property
    def blocks(self) -> bool:
        """Return whether an operation may wait for a network or a disk."""

    def has(self, kinds: Sequence[str]) -> bool:
        """Return whether there may be keys of one of `kinds`. The kind of a key is the part before its first NUL."""

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new.

        A key that is stored already is kept until the later of both times, and counts as stored at `now`.
        """

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return the epoch second when the newest of `keys` was last stored, or None if there is none."""
