"""The few things the core may ask of the world.

The core reads no clock, draws no randomness and opens no socket. Where it needs the outside it *yields* an
effect and is sent the result; `run` and `arun` are the two drivers that perform effects, for threads and for
event loops. A failure of the world is raised at the ``yield``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from .model import HeaderList

T = TypeVar("T")


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
        shared: Equal requests under way at the same time share one exchange; for GET only.
    """

    method: str
    url: str
    headers: HeaderList = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = 1 << 20
    shared: bool = False


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


Effect = Now | Random | ReadBody | Fetch | AddOnce | LastSeen
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


class World(Protocol):
    """What performs effects. `perform` may block for those that `blocks` names."""

    def blocks(self, effect: Effect) -> bool:
        """Tell whether performing `effect` may wait for a network or a disk."""

    def perform(self, effect: Effect) -> Any:
        """Perform `effect` and return its result; raise what should be raised at the yield."""


ReadsBody = Callable[[int], bytes]
AReadsBody = Callable[[int], Awaitable[bytes]]
OffLoop = Callable[[Callable[[Effect], Any], Effect], Awaitable[Any]]


def run(step: Step[T], world: World, read: ReadsBody) -> T:
    """Drive `step` to its end in this thread.

    Args:
        read: Reads the request's body, given a limit in bytes.
    """

    def perform(effect: Effect) -> Any:
        return read(effect.limit) if isinstance(effect, ReadBody) else world.perform(effect)

    reached = _advance(step, perform, partial(next, step))
    assert isinstance(reached, _Ended)
    value: T = reached.value
    return value


async def arun(step: Step[T], world: World, read: AReadsBody, off_loop: OffLoop) -> T:
    """Drive `step` to its end on an event loop.

    What follows a blocking effect goes on in its thread: two exchanges take one way there and back, and the
    checking of a signature keeps nobody waiting.

    Args:
        off_loop: Calls a function with an effect, in a thread that is not the loop's.
    """

    def waits(effect: Effect) -> bool:
        return isinstance(effect, ReadBody) or world.blocks(effect)

    def go_on(effect: Effect) -> Effect | _Ended[T]:
        return _advance(step, world.perform, partial(_perform, step, world.perform, effect), _asks_for_body)

    reached = _advance(step, world.perform, partial(next, step), waits)
    while not isinstance(reached, _Ended):
        if not isinstance(reached, ReadBody):
            reached = await off_loop(go_on, reached)
            continue
        try:
            resume = partial(step.send, await read(reached.limit))
        except Exception as error:
            resume = partial(step.throw, error)
        reached = _advance(step, world.perform, resume, waits)
    value: T = reached.value
    return value


class _Ended(NamedTuple, Generic[T]):
    """What a step returned."""

    value: T


def _asks_for_body(effect: Effect) -> bool:
    return isinstance(effect, ReadBody)


def _never(effect: Effect) -> bool:
    return False


def _advance(
    step: Step[T],
    perform: Callable[[Effect], Any],
    resume: Callable[[], Effect],
    stops: Callable[[Effect], bool] = _never,
) -> Effect | _Ended[T]:
    """Resume `step` and perform its effects in this thread, up to the first that `stops` here, or to its end."""
    try:
        effect = resume()
        while not stops(effect):
            effect = _perform(step, perform, effect)
    except StopIteration as end:
        return _Ended(end.value)
    return effect


def _perform(step: Step[T], perform: Callable[[Effect], Any], effect: Effect) -> Effect:
    """Perform `effect` and return what `step` asks for next; a failure of the world is raised at its ``yield``."""
    try:
        result = perform(effect)
    except Exception as error:
        return step.throw(error)
    return step.send(result)
