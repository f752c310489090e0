"""The few things that the core may ask of the world.

The core reads no clock, draws no randomness and opens no socket. Where it needs the outside it *yields* an
effect and is sent the result. `oidc_gate.runtime.driver` has the two drivers that perform effects, for threads and
for event loops. A failure of the world is raised at the ``yield``.

Never yield in a ``finally``: a generator that is closed cannot wait for anything. What has to be given back is a
scoped effect, such as `Lock`: the driver gives it back however the step ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

from .model import HeaderList

T = TypeVar("T")


class Lane(Enum):
    """A kind of work that may wait for a network or a disk.

    Each lane has its own places and its own line before them, so that one kind never waits for another.
    """

    PROVIDER = "provider"
    """Exchanges with the provider."""
    PUSHED = "pushed"
    """Pushed authorization requests (RFC 9126), which anonymous clients cause as often as they like."""
    STORE = "store"
    """Look-ups and changes in a store that other processes share."""


@dataclass(frozen=True, slots=True)
class Now:
    """The time, epoch seconds. An effect, since after a `Fetch` the old time is stale."""


@dataclass(frozen=True, slots=True)
class Random:
    """`size` unpredictable bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class ReadBody:
    """The request's body, whole; one byte more than `limit` at the most, so that "too long" can be told."""

    limit: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP exchange with the provider: TLS verified, no redirect followed, body bounded.

    Args:
        max_bytes: A longer body is a failure.
        lane: In which lane it is performed.
    """

    method: str
    url: str
    headers: HeaderList = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = 1 << 20
    lane: Lane = Lane.PROVIDER


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: any status, redirects too. Header names are lower case; a repeated one is joined by comma."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddOnce:
    """Keep `key` until the epoch second `until`; the result tells whether it was new (atomic: one caller wins)."""

    key: str
    until: int


@dataclass(frozen=True, slots=True)
class LastSeen:
    """When the newest of `keys` was remembered, epoch seconds; None if none is, or their time is over."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """Wait for a place in `lane`; the step keeps it until it ends or reads the request's body.

    Every effect that blocks enters its lane by itself. To enter beforehand is for a step that looks once more at
    what it knows after it waited, or that must not be refused half-way.
    """

    lane: Lane


@dataclass(frozen=True, slots=True)
class Lock:
    """Wait for the lock of this process that has this name, and hold it; see `holding`. A scoped effect."""

    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give back what the scoped effect `taken` took; `result` is what it returned."""

    taken: Scoped
    result: Any


@dataclass(frozen=True, slots=True)
class Background:
    """Perform the step that `start` returns in a thread of its own; nothing waits for it.

    An error of that step is logged as a defect.
    """

    start: Callable[[], Step[None]]


Scoped = Lock
"""Effects that take something. The driver gives it back, by `Release`, when the step ends and has not done so."""

Effect = Now | Random | ReadBody | Fetch | AddOnce | LastSeen | Enter | Lock | Release | Background
Step = Generator[Effect, Any, T]
"""A stretch of the story that yields effects and returns a `T`."""


def now() -> Step[int]:
    """Return the time, epoch seconds."""
    return int((yield Now()))


def random(size: int) -> Step[bytes]:
    """Return `size` unpredictable bytes."""
    result: bytes = yield Random(size)
    return result


def read_body(limit: int) -> Step[bytes]:
    """Return the request's body, at most `limit` + 1 bytes of it."""
    result: bytes = yield ReadBody(limit)
    return result


def fetch(effect: Fetch) -> Step[Fetched]:
    """Return the provider's answer.

    Raises:
        ProviderUnavailable: No answer in time, or no connection.
        ProviderError: An answer that is longer than it may be.
        LineFull: Too many exchanges are under way.
    """
    result: Fetched = yield effect
    return result


def add_once(key: str, until: int) -> Step[bool]:
    """Keep `key` until `until`; return whether it was new."""
    return bool((yield AddOnce(key, until)))


def last_seen(*keys: str) -> Step[int | None]:
    """Return when the newest of `keys` was remembered, or None."""
    result: int | None = yield LastSeen(keys)
    return result


def enter(lane: Lane) -> Step[None]:
    """Wait for a place in `lane`.

    Raises:
        LineFull: The line is full, or did not move in time.
    """
    yield Enter(lane)


def holding(scoped: Scoped, step: Step[T]) -> Step[T]:
    """Drive `step` while holding what `scoped` takes, and return its result.

    It is given back when `step` has ended. If it never ends, because the request is cancelled or the driver fails,
    the driver gives it back.
    """
    result = yield scoped
    try:
        value = yield from step
    except Exception:
        yield Release(scoped, result)
        raise
    yield Release(scoped, result)
    return value


def in_background(start: Callable[[], Step[None]]) -> Step[None]:
    """Perform the step that `start` returns in a thread of its own, and go on at once."""
    yield Background(start)


class ExpiringKeys(Protocol):
    """Where marks are kept. Every operation is atomic, for all who share the store."""

    @property
    def blocks(self) -> bool:
        """Whether an operation may wait for a network or a disk."""

    def has(self, kinds: Sequence[str]) -> bool:
        """Tell whether marks of one of `kinds` may be there; a key's kind is what stands before its first NUL."""

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Keep `key` until the epoch second `until`; tell whether it was new.

        One that is there already is kept until the later of both times, and counts as remembered `now`.
        """

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return when the newest of `keys` was last remembered, epoch seconds; None if none is."""
