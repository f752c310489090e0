"""How a process learns that sessions in a store have ended, and removes them from its cache.

A cached session may be used only while the view of the store is current (`Ends.is_current`), which is cheap to check.
Otherwise the request reads the ends that have not been reported yet, in the lane of the store, and reads the session
again.
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
        QueueFull: Too many requests wait for it.
    """
    result: T = yield StoreCall(call)
    return result


class Answer(NamedTuple):
    """The result of a call of the store, and the generation of the cache with which the result may be cached."""

    generation: int
    result: Any


class Ends:
    """Removes the sessions that ended in a store from a cache.

    Args:
        store: The store whose ends are reported.
        cache: The cache from which sessions that have ended are removed.

    Attributes:
        is_current: Returns whether every end that must be known by now has been reported. It does not block.
    """

    def __init__(self, store: Store, cache: SessionCache[Any]) -> None:
        self._cache = cache
        self._view = store.view(self._report)
        self.is_current: Callable[[], bool] = self._view.is_current

    def catch_up(self) -> Step[bool]:
        """Report the ends that have not been reported, and return whether the view is current then."""
        return (yield from ask(lambda store: self._view.catch_up()))

    def ensure_current(self) -> Step[bool]:
        """Catch up with the store if the view is not current, and return whether it is current then."""
        return self.is_current() or (yield from self.catch_up())

    def read(self, call: Callable[[Store], Any]) -> Step[Answer]:
        """Return the result of a call that reads, after catching up if necessary, both in one place of the lane.

        What was read while the view is not current must not be cached: the end of that session may never be reported.
        """

        def reading(store: Store) -> Answer:
            is_current = self._view.is_current() or self._view.catch_up()
            generation = self._cache.generation if is_current else MUST_NOT_BE_KEPT
            return Answer(generation, call(store))

        return (yield from ask(reading))

    def _report(self, keys: tuple[bytes, ...] | None) -> None:
        """Remove sessions that have ended from the cache, or all sessions if it is not known which ones have ended.

        The key of a row names one session. The name of a user, or of a session at the provider, has another length.
        """
        if keys is None or any(len(key) != KEY_BYTES for key in keys):
            self._cache.clear()
            return
        for key in keys:
            self._cache.forget(key)
