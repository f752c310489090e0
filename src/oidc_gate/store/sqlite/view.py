"""Reports the ends in an SQLite store. Whether there are new ones is found by comparing eight bytes in memory.

A process that ends a session changes the stamp before it commits, while it holds the database's lock for writing. As
long as a process sees the stamp that it adopted last, it has therefore missed no end that was committed. If it sees
another stamp, it takes the lock, which waits for the commit; it then reads the ends that it has not read yet, and
adopts the current stamp. If a process is killed between the change and the commit, the others read once without finding
anything. Stamps are random, so every change is noticed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from ...errors import StoreUnavailable
from ..base import OnEnds
from .connections import Connections
from .files import Identity, Stamp, identity_of

TICK_SECONDS = 1.0
"""How often to check whether the files are still the same."""
WAIT_SECONDS = 0.3


def settled(tick_seconds: float) -> float:
    """Return the number of seconds after which every process has noticed that a file was replaced."""
    return tick_seconds * 1.1


class SqliteView:
    """A `View` of an SQLite store."""

    def __init__(
        self, connections: Connections, stamp_path: Path, on_ends: OnEnds, tick_seconds: float
    ) -> None:
        self._connections, self._stamp_path, self._on_ends = connections, stamp_path, on_ends
        self._tick_seconds = tick_seconds
        self._words: Sequence[int] = (0,)
        self._adopted: int | None = None
        self._store_id, self._generation = b"", -1
        self._files: tuple[Identity | None, Identity | None] = (None, None)
        self._position: int | None = None
        self._next_tick = 0.0
        self._is_closed = False
        self._lock, self._pid = threading.Lock(), os.getpid()

    def is_current(self) -> bool:
        """Return whether every end that was committed has been reported."""
        return self._words[0] == self._adopted and (monotonic() < self._next_tick or self._has_same_files())

    def catch_up(self) -> bool:
        """Report the ends that have not been reported, after waiting for a lock for at most `WAIT_SECONDS`."""
        if self._pid != os.getpid():  # another thread may have held the lock at the fork
            self._lock, self._pid = threading.Lock(), os.getpid()
        if self._is_closed or not self._lock.acquire(timeout=WAIT_SECONDS):
            return False
        try:
            return self.is_current() or self._read_ends()
        except (StoreUnavailable, OSError):
            return False
        finally:
            self._lock.release()

    def close(self) -> None:
        """Stop reporting ends."""
        self._is_closed = True
        self._adopted = None

    def _has_same_files(self) -> bool:
        found = (identity_of(self._connections.path), identity_of(self._stamp_path))
        if found != self._files or self._connections.generation != self._generation:
            return False
        self._next_tick = monotonic() + self._tick_seconds
        return True

    def _read_ends(self) -> bool:
        with self._connections.writing(is_durable=False, wait_seconds=WAIT_SECONDS) as db:
            stamp = Stamp(self._stamp_path, settled(self._tick_seconds))
            stamp.close()
            adopted = stamp.words[0]
            files, generation = (
                (identity_of(self._connections.path), stamp.identity),
                self._connections.generation,
            )
            (store_id,) = db.execute("SELECT id FROM store").fetchone()
            oldest, newest = db.execute("SELECT min(position), max(position) FROM ends").fetchone()
            position = self._position
            is_same = (store_id, *files) == (self._store_id, *self._files)  # not only by another connection
            is_whole = is_same and position is not None and (oldest or 0) <= position + 1
            ends = (
                db.execute("SELECT key FROM ends WHERE position > ?", (position,)).fetchall()
                if is_whole
                else []
            )
        if not is_whole and position is not None:
            self._on_ends(None)
        elif ends:
            self._report([key for (key,) in ends])
        self._position = newest or 0
        self._store_id, self._files, self._generation = store_id, files, generation
        self._next_tick = monotonic() + self._tick_seconds
        self._words, self._adopted = stamp.words, adopted
        return self.is_current()

    def _report(self, keys: list[bytes]) -> None:
        self._on_ends(None if b"" in keys else tuple(keys))
