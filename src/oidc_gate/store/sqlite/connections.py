"""Connections to one SQLite file. Each is lent to one thread at a time, and is opened again if the file is replaced.

An SQLite connection must not be carried over a fork: the child would believe that it holds the parent's locks, even
for connections that it opens itself (https://www.sqlite.org/howtocorrupt.html §2.6). Before a fork, the connections
are therefore awaited and closed, and both processes open new ones.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import uniform
from urllib.parse import quote
from weakref import WeakSet, finalize

from ...errors import StoreUnavailable
from ..base import unavailable
from ..time_limit import deadline_after
from . import schema
from .files import Identity, ensure_private, identity_of, pin

log = logging.getLogger("oidc_gate.store")

MAX_IDLE = 8
_RECOVERABLE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_HINTS = {
    sqlite3.SQLITE_BUSY: "another process holds its lock",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_NOTADB: "this is not an SQLite database; move the file away, and a new one is created",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it and its -wal and -shm away, and a new one is created",
    sqlite3.SQLITE_READONLY: "it may not be written, or was replaced",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk failed",
}


class Connections:
    """Lends connections. It is safe under threads and after a fork.

    Args:
        path: The path of the database, which is created if it does not exist.
        deadline_seconds: The longest time that a caller waits for a lock.

    Attributes:
        generation: A number that changes when the file was replaced, and when all connections are closed.
    """

    def __init__(self, path: Path, deadline_seconds: float) -> None:
        self.path = path
        self._deadline_seconds = deadline_seconds
        self.generation = 0
        self._identity: Identity | None = None
        self._pin: int | None = None
        self._idle: list[sqlite3.Connection] = []
        self._reset()
        _alive.add(self)
        finalize(self, _close_all, self._idle)  # when this object is collected, or when the interpreter ends

    def _reset(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._writing = threading.Lock()
        self._lent = 0
        self._is_forking = False
        self._pid = os.getpid()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for the length of a block.

        Raises:
            StoreUnavailable: SQLite raised an error, in the block or before it.
        """
        self._begin()
        connection: sqlite3.Connection | None = None
        is_good = False
        try:
            connection = self._take()
            yield connection
            is_good = True
        except sqlite3.Error as error:
            is_good = _code(error) in _RECOVERABLE
            raise _translated(self.path, error) from error
        finally:
            self._end(connection, is_good)

    @contextmanager
    def writing(
        self, *, is_durable: bool = True, wait_seconds: float | None = None
    ) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction that holds the only lock for writing, and commit it after the block.

        Args:
            is_durable: Whether to wait until the change is on the disk, so that it survives a power failure.
            wait_seconds: How long to wait for the lock; by default `deadline_seconds`.

        Raises:
            StoreUnavailable: The lock was not available in time, or SQLite raised an error.
        """
        wait_seconds = self._deadline_seconds if wait_seconds is None else wait_seconds
        deadline = deadline_after(wait_seconds)
        self._adopt_process()
        # The lock of the file does not queue, so only one thread of a process at a time asks for it.
        writing = self._writing
        if not writing.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise unavailable(f"{self.path}: {_HINTS[sqlite3.SQLITE_BUSY]}")
        try:
            with self.reading() as connection:
                connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
                connection.execute("PRAGMA busy_timeout=0")
                try:
                    begin(connection, deadline)
                finally:
                    connection.execute(f"PRAGMA busy_timeout={int(self._deadline_seconds * 1000)}")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):  # SQLite may have rolled it back already
                        connection.execute("ROLLBACK")
                    raise
        finally:
            writing.release()

    def close(self) -> None:
        """Close the connections that are not lent."""
        with self._changed:
            self._close_idle()
            self._move_to(None, None)

    def _begin(self) -> None:
        self._adopt_process()
        with self._changed:
            # `before_fork` waits for this long. After that, the process has forked.
            self._changed.wait_for(lambda: not self._is_forking, timeout=self._deadline_seconds + 1)
            self._lent += 1

    def _end(self, connection: sqlite3.Connection | None, is_good: bool) -> None:
        with self._changed:
            self._lent -= 1
            if connection is not None:
                if is_good and len(self._idle) < MAX_IDLE and not self._is_forking:
                    self._idle.append(connection)
                else:
                    _close(connection)
            self._changed.notify_all()

    def _take(self) -> sqlite3.Connection:
        identity = identity_of(self.path)
        with self._changed:
            if identity != self._identity:
                if self._identity is not None:
                    log.warning("%s was removed or replaced: sessions that it held are over", self.path)
                self._close_idle()
            elif self._idle:
                return self._idle.pop()
        connection, identity = self._open()
        with self._changed:
            if identity != self._identity:
                self._move_to(*pin(self.path))
        return connection

    def _move_to(self, descriptor: int | None, identity: Identity | None) -> None:
        """Expect the file with this identity from now on, and keep its inode from being reused."""
        self.generation += 1
        self._identity = identity
        held, self._pin = self._pin, descriptor
        if held is not None:
            os.close(held)

    def _open(self) -> tuple[sqlite3.Connection, Identity]:
        if identity_of(self.path) is None:
            schema.create(self.path, deadline_after(self._deadline_seconds / 2))
        identity = ensure_private(self.path)
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self._deadline_seconds / 2,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            schema.validate(connection, self.path)
            # SQLite starts the log again at 4 MiB. A log that grew larger is cut back to this size.
            connection.execute("PRAGMA journal_size_limit=4194304")
            if identity_of(self.path) != identity:
                raise unavailable(f"{self.path} was replaced while it was opened")
        except BaseException:
            _close(connection)
            raise
        return connection, identity

    def _close_idle(self) -> None:
        _close_all(self._idle)

    # --- forks ----------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Wait for the connections that are lent, and close all connections."""
        with self._changed:
            self._is_forking = True
            if not self._changed.wait_for(lambda: not self._lent, timeout=self._deadline_seconds + 1):
                log.error("%s: forked while it was used", self.path)
            self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Lend connections again."""
        with self._changed:
            self._is_forking = False
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        """Start again. The connections that were lent at the fork belong to the parent."""
        if not self._lent:
            self._reset()

    def _adopt_process(self) -> None:
        """Start again if a server forked without calling Python's fork hooks. Refuse if connections were open."""
        if self._pid == os.getpid():
            return
        if self._lent or self._idle:
            raise unavailable(
                f"{self.path}: this process was forked by a server that does not call Python's fork hooks while the"
                " store was open, so SQLite's locks cannot be relied on; let the workers load the application"
                " themselves (uWSGI: lazy-apps = true)"
            )
        self._reset()


def begin(connection: sqlite3.Connection, deadline: float) -> None:
    """Begin a transaction that holds the lock for writing, after waiting for the lock until `deadline`.

    SQLite itself waits in steps of up to 100 ms. With many writers, the lock is rarely free at the end of a step.

    Args:
        deadline: A time by `time.monotonic`.

    Raises:
        sqlite3.OperationalError: Another process holds the lock.
    """
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(uniform(0.001, 0.006))  # noqa: S311


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code (https://www.sqlite.org/rescode.html)."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _translated(path: Path, error: sqlite3.Error) -> StoreUnavailable:
    hint = _HINTS.get(_code(error), "")
    return unavailable(f"{path}: {hint} ({error})" if hint else f"{path}: {error}")


def _close(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        connection.close()


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        _close(connections.pop())


_alive: WeakSet[Connections] = WeakSet()


def _each(method: str) -> None:
    for connections in list(_alive):
        getattr(connections, method)()


os.register_at_fork(
    before=lambda: _each("before_fork"),
    after_in_parent=lambda: _each("after_fork_in_parent"),
    after_in_child=lambda: _each("after_fork_in_child"),
)
