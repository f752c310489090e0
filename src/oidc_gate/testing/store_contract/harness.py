"""Helpers for the tests of a store: handles on it, rows, and a listener to its ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ...store.base import KEY_BYTES, Row, Store, View

HOUR = 3600


def new_key() -> bytes:
    """Return a key, or an index, that no other test uses."""
    return os.urandom(KEY_BYTES)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Return whether `condition` becomes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Listener:
    """Collects what a `View` reports, as a session cache would."""

    def __init__(self, store: Store) -> None:
        self.ended: set[bytes] = set()
        self.gaps = 0
        self.view: View = store.view(self.on_ends)
        wait_until(lambda: self.view.is_current() or self.view.catch_up())

    def on_ends(self, keys: tuple[bytes, ...] | None) -> None:
        """Receive a report."""
        if keys is None:
            self.gaps += 1
        else:
            self.ended.update(keys)

    def would_admit(self, key: bytes) -> bool:
        """Return whether a cached session would be admitted without reading its row."""
        is_current = self.view.is_current() or self.view.catch_up()
        return is_current and not self.gaps and key not in self.ended

    def soon_admits(self, key: bytes) -> bool:
        """Return whether such a session is admitted soon, after the view has caught up."""
        return wait_until(lambda: self.would_admit(key))


class Harness:
    """The helpers of the tests."""

    now = 0
    """The time of the tests in epoch seconds. `setup_method` sets it."""

    def new_store(self) -> Store:
        """Return another handle on the same store, as another process would have."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Prepare a test."""
        self.now = int(time.time())
        self._opened: list[Store] = []
        self.store = self.another()

    def teardown_method(self) -> None:
        """Close what the test opened."""
        for store in self._opened:
            store.close()

    def another(self) -> Store:
        """Return another handle, which is closed when the test ends."""
        store = self.new_store()
        self._opened.append(store)
        return store

    def row(self, *indexes: bytes, version: int = 1, body: bytes = b"sealed", lasts: int = HOUR) -> Row:
        """Return a new row that expires after `lasts` seconds."""
        end = self.now + lasts
        return Row(new_key(), version, end, end, self.now, indexes, b"label", body)

    def stored(self, *indexes: bytes, lasts: int = HOUR) -> Row:
        """Return a new row that was written to the store."""
        row = self.row(*indexes, lasts=lasts)
        assert self.store.put(row, 0, self.now), "a new row was not written"
        return row
