"""What a process knows about the ends of sessions in a store, and the cache, which must not know less.

What is cached of a session counts only while the view of the store is current (`Ends.is_current`), which is one cheap
question. Otherwise the request catches up, in the lane of the store, and the session is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..effects import Step, StoreCall
from ..store.base import KEY_BYTES, Store
from .cache import SessionCache
from .sessions import MUST_NOT_BE_KEPT

T = TypeVar("T")


def ask(call: Callable[[Store], T]) -> Step[T]:
    """Return the result of one call of the store.

    Raises:
        StoreUnavailable: The store failed.
        LineFull: Too many requests wait for it.
    """
    result: T = yield StoreCall(call)
    return result


class Answer(NamedTuple):
    """What the store answered, and the generation of the cache with which it may be kept."""

    generation: int
    result: Any


class Ends:
    """Passes on the ends of sessions from a store to a cache.

    Args:
        store: Where sessions end.
        cache: What forgets them.

    Attributes:
        is_current: Returns whether every end that must be known by now has been reported. It does not block.
    """

    def __init__(self, store: Store, cache: SessionCache[Any]) -> None:
        self._cache = cache
        self._view = store.view(self._report)
        self.is_current: Callable[[], bool] = self._view.is_current

    def catch_up(self) -> Step[bool]:
        """Catch up with the store, and return whether the view is current then."""
        return (yield from ask(lambda store: self._view.catch_up()))

    def hear(self) -> Step[bool]:
        """Catch up with the store if the view is not current, and return whether it is then."""
        return self.is_current() or (yield from self.catch_up())

    def read(self, call: Callable[[Store], Any]) -> Step[Answer]:
        """Return the result of a call that reads, after catching up if necessary: one visit to the store.

        What was read while the view is not current must not be kept: the end of that session may never be reported.
        """

        def reading(store: Store) -> Answer:
            is_current = self._view.is_current() or self._view.catch_up()
            generation = self._cache.generation if is_current else MUST_NOT_BE_KEPT
            return Answer(generation, call(store))

        return (yield from ask(reading))

    def _report(self, keys: tuple[bytes, ...] | None) -> None:
        """Forget sessions that have ended; all of them if it is not known which ones, as with a user's name."""
        if keys is None or any(len(key) != KEY_BYTES for key in keys):
            self._cache.clear()
            return
        for key in keys:
            self._cache.forget(key)
