"""A store for one machine: an SQLite file that all its processes share.

Reads and writes do not wait for each other, because SQLite keeps a write-ahead log. Writers wait for each other. A
power failure can lose the time of a session's last request, and nothing else: any other write is on the disk when a
call returns.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from sqlite3 import Connection

from ..base import (
    DEADLINE_SECONDS,
    GRACE_SECONDS,
    KEY_BYTES,
    Added,
    ExpiringKey,
    Lease,
    OnEnds,
    Page,
    Row,
    Selector,
    View,
)
from .connections import Connections
from .files import Stamp, validate_place
from .view import TICK_SECONDS, SqliteView, settled

MAX_ENDS = 10_000
MAX_KEYS_OF_A_KIND = 250_000
MAX_LEASE_SECONDS = 60.0
TIDY_SECONDS = 10.0
_TIDY_ROWS = 2_000
_VACUUM_PAGES = 500  # takes about 20 ms, while no other process can write
_COUNT_EVERY = 1_024
_SELECT = (
    "SELECT key, version, expires_at, leaves_at, last_seen, indexes, label, x'' FROM sessions WHERE key = ?"
)
_SELECT_WITH_BODY = _SELECT.replace("x''", "body")
_SELECT_FOLLOWING = _SELECT.replace("key = ?", "key > ? ORDER BY key LIMIT ?")


class SqliteStore:
    """Sessions in an SQLite file. It is safe under threads, between processes and after a fork.

    There are three more files beside it: ``-wal`` and ``-shm`` belong to SQLite, and ``-stamp`` changes whenever a
    session ends. Only the server's user can read them.

    Args:
        path: An absolute path. The file is created at its first use. The directory must exist, and only the server's
            user may write to it.
        deadline_seconds: The limit for a call.
        tick_seconds: How often each process checks whether the files were removed or replaced. It must be the same in
            all processes.
        max_keys: The maximum number of expiring keys of one kind. Beyond it, those that expire first are removed.

    Raises:
        StoreURLError: A store may not be at `path`.
    """

    blocks = True
    lag_seconds = 0.0

    def __init__(
        self,
        path: Path,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        tick_seconds: float = TICK_SECONDS,
        max_keys: int = MAX_KEYS_OF_A_KIND,
    ) -> None:
        validate_place(path)
        self._path = path
        self._stamp_path = path.with_name(f"{path.name}-stamp")
        self._connections = Connections(path, deadline_seconds * 0.9)
        self._tick_seconds = tick_seconds
        self._max_keys, self._added = max_keys, 0
        self._tidy_at = 0.0

    # --- rows -----------------------------------------------------------------------------------------

    def open(self, key: bytes, now: int) -> Row | None:
        """Return the row of `key` unless it is over."""
        with self._connections.reading() as db:
            found = db.execute(_SELECT_WITH_BODY, (key,)).fetchone()
        row = None if found is None else _row(found)
        return None if row is None or row.is_over(now) else row

    def put(self, row: Row, expected_version: int, now: int) -> bool:
        """Write `row` if the one that is there has `expected_version`."""
        with self._connections.writing() as db:
            before = db.execute(
                "SELECT version, leaves_at, last_seen, indexes FROM sessions WHERE key = ?", (row.key,)
            ).fetchone()
            version, leaves_at, last_seen, indexes = before or (0, 0, 0, b"")
            if version != expected_version:
                return False
            if indexes:
                _delete_indexes(db, row.key, _split(indexes))
            times = (row.expires_at, max(row.leaves_at, leaves_at), max(row.last_seen, last_seen))
            db.execute(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row.key, row.version, *times, b"".join(row.indexes), row.label, row.body),
            )
            db.executemany(
                "INSERT OR IGNORE INTO session_indexes VALUES (?, ?)",
                [(index, row.key) for index in row.indexes],
            )
            self._tidy(db, now)
        return True

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        """Move both times of a row forward."""
        with self._connections.writing(is_durable=False) as db:
            changed = db.execute(
                "UPDATE sessions SET last_seen = max(last_seen, ?), leaves_at = max(leaves_at, ?)"
                " WHERE key = ? AND min(expires_at, leaves_at) > ?",
                (last_seen, leaves_at, key, now),
            ).rowcount
        return changed == 1

    # --- ends and lists -------------------------------------------------------------------------------

    def end(self, selector: Selector, now: int) -> int:
        """Delete rows and announce their keys. The change is on the disk when this returns.

        If there is nothing to announce, the stamp does not change. A client that names sessions that do not exist
        therefore causes no work in other processes.
        """
        with self._connections.writing() as db:
            before = db.total_changes
            ended = self._end_everything(db, now) if selector.everything else self._end(db, selector, now)
            if db.total_changes != before:
                self._change_stamp(db)
        return ended

    def _end(self, db: Connection, selector: Selector, now: int) -> int:
        keys = _keys(db, selector)
        ended = 0
        for key in keys:
            found = db.execute(
                "SELECT indexes, min(expires_at, leaves_at) FROM sessions WHERE key = ?", (key,)
            )
            for indexes, over_at in found.fetchall():
                ended += over_at > now
                _delete_indexes(db, key, _split(indexes))
        db.executemany("DELETE FROM sessions WHERE key = ?", [(key,) for key in keys])
        db.executemany("INSERT INTO ends (key) VALUES (?)", [(key,) for key in keys])
        return ended

    def _end_everything(self, db: Connection, now: int) -> int:
        ((ended,),) = db.execute(
            "SELECT count(*) FROM sessions WHERE min(expires_at, leaves_at) > ?", (now,)
        ).fetchall()
        db.execute("DELETE FROM sessions")
        db.execute("DELETE FROM session_indexes")
        db.execute("INSERT INTO ends (key) VALUES (x'')")
        return int(ended)

    def _change_stamp(self, db: Connection) -> None:
        """Delete all but the newest ends, and change the stamp, before the commit."""
        db.execute("DELETE FROM ends WHERE position <= (SELECT max(position) FROM ends) - ?", (MAX_ENDS,))
        stamp = Stamp(self._stamp_path, settled(self._tick_seconds))
        try:
            stamp.change()
        finally:
            stamp.close()

    def find(self, selector: Selector, now: int, after: bytes = b"", limit: int = 200) -> Page:
        """Return rows without their bodies, in the order of their keys."""
        with self._connections.reading() as db:
            if selector.everything:
                found = db.execute(_SELECT_FOLLOWING, (after, limit)).fetchall()
                following = bytes(found[-1][0]) if len(found) == limit else b""
            else:
                keys = sorted(key for key in _keys(db, selector) if key > after)
                following = keys[limit - 1] if len(keys) > limit else b""
                found = [row for key in keys[:limit] for row in db.execute(_SELECT, (key,)).fetchall()]
        rows = (_row(each) for each in found)
        return Page(tuple(row for row in rows if not row.is_over(now)), following)

    def count(self, selector: Selector, now: int) -> int:
        """Return how many sessions there are."""
        query = "SELECT count(*) FROM sessions WHERE min(expires_at, leaves_at) > ?"
        with self._connections.reading() as db:
            if selector.everything:
                ((count,),) = db.execute(query, (now,)).fetchall()
                return int(count)
            keys = _keys(db, selector)
            counts = [db.execute(f"{query} AND key = ?", (now, key)).fetchone() for key in keys]
        return sum(count for (count,) in counts)

    def view(self, on_ends: OnEnds) -> View:
        """Return a view, which is current while the eight bytes of the stamp have not changed."""
        return SqliteView(self._connections, self._stamp_path, on_ends, self._tick_seconds)

    # --- expiring keys and leases ---------------------------------------------------------------------

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        """Keep `key` until `until`; return whether it was new."""
        with self._connections.writing() as db:
            _born_at(db, now)
            found = db.execute("SELECT until FROM expiring_keys WHERE kind = ? AND name = ?", key).fetchone()
            if until > now:
                db.execute(
                    "INSERT INTO expiring_keys VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET at = max(at, excluded.at), until = max(until, excluded.until)",
                    (*key, now, until),
                )
                self._bound(db, key.kind)
            if announce:
                db.execute("INSERT INTO ends (key) VALUES (?)", (key.name,))
                self._change_stamp(db)
            self._tidy(db, now)
        return found is None or found[0] <= now

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        """Return when the newest of `keys` was added."""
        query = "SELECT at FROM expiring_keys WHERE kind = ? AND name = ? AND until > ?"
        with self._connections.reading() as db:
            found = [row[0] for key in keys for row in db.execute(query, (*key, now)).fetchall()]
            (born_at,) = db.execute("SELECT born_at FROM store").fetchone()
        if born_at is None:
            with self._connections.writing() as db:
                born_at = _born_at(db, now)
        return Added(max(found, default=None), born_at)

    def _bound(self, db: Connection, kind: str) -> None:
        """Keep the number of keys of a kind near its limit. It is not counted each time, because that takes long."""
        self._added += 1
        if self._added % min(_COUNT_EVERY, self._max_keys):
            return
        ((count,),) = db.execute("SELECT count(*) FROM expiring_keys WHERE kind = ?", (kind,)).fetchall()
        if count > self._max_keys:
            db.execute(
                "DELETE FROM expiring_keys WHERE kind = :kind AND name IN"
                " (SELECT name FROM expiring_keys WHERE kind = :kind ORDER BY until LIMIT :excess)",
                {"kind": kind, "excess": count - self._max_keys},
            )

    def lease(self, name: bytes, ttl_seconds: float) -> Lease | None:
        """Take the lease `name` if no other holder has it."""
        lease = Lease(name, os.urandom(16))
        with self._connections.writing(is_durable=False) as db:
            now = time.monotonic()
            db.execute("DELETE FROM leases WHERE NOT (taken <= ? AND until > ?)", (now, now))
            taken = db.execute(
                "INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?)",
                (name, lease.token, now, now + min(ttl_seconds, MAX_LEASE_SECONDS)),
            ).rowcount
        return lease if taken == 1 else None

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        """Hold `lease` for another `ttl_seconds`."""
        with self._connections.writing(is_durable=False) as db:
            now = time.monotonic()
            changed = db.execute(
                "UPDATE leases SET taken = ?, until = ? WHERE name = ? AND token = ? AND until > ?",
                (now, now + min(ttl_seconds, MAX_LEASE_SECONDS), *lease, now),
            ).rowcount
        return changed == 1

    def release(self, lease: Lease) -> None:
        """Release `lease`."""
        with self._connections.writing(is_durable=False) as db:
            db.execute("DELETE FROM leases WHERE name = ? AND token = ?", lease)

    # --- the store itself -----------------------------------------------------------------------------

    def check(self, now: int) -> tuple[str, ...]:
        """Return no problems, after checking that the file can be written."""
        with self._connections.writing() as db:
            _born_at(db, now)
            self._tidy(db, now)
            Stamp(self._stamp_path, settled(self._tick_seconds)).close()
        return ()

    def describe(self) -> str:
        """Return the path of the file, for the log."""
        return f"SQLite at {self._path}"

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _tidy(self, db: Connection, now: int) -> None:
        """Delete rows and keys that expired long ago, once in `TIDY_SECONDS`, and return their pages to the system."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_SECONDS
        left = db.execute(
            "SELECT key, indexes FROM sessions WHERE leaves_at <= ? ORDER BY leaves_at LIMIT ?",
            (now - GRACE_SECONDS, _TIDY_ROWS),
        ).fetchall()
        for key, indexes in left:
            _delete_indexes(db, key, _split(indexes))
        db.executemany("DELETE FROM sessions WHERE key = ?", [(key,) for key, _ in left])
        db.execute("DELETE FROM expiring_keys WHERE until <= ?", (now - GRACE_SECONDS,))
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(free, _VACUUM_PAGES)):  # `sqlite3` performs one step of this statement: one page
            db.execute("PRAGMA incremental_vacuum(1)")
        if len(left) == _TIDY_ROWS:
            self._tidy_at = 0.0


def _row(found: Sequence[object]) -> Row:
    key, version, expires_at, leaves_at, last_seen, indexes, label, body = found
    return Row(key, version, expires_at, leaves_at, last_seen, _split(indexes), label, body)  # type: ignore[arg-type]


def _split(indexes: bytes) -> tuple[bytes, ...]:
    return tuple(indexes[at : at + KEY_BYTES] for at in range(0, len(indexes), KEY_BYTES))


def _keys(db: Connection, selector: Selector) -> set[bytes]:
    found = set(selector.keys)
    for index in selector.indexes:
        found.update(
            key for (key,) in db.execute("SELECT key FROM session_indexes WHERE value = ?", (index,))
        )
    return found


def _delete_indexes(db: Connection, key: bytes, indexes: Iterable[bytes]) -> None:
    db.executemany(
        "DELETE FROM session_indexes WHERE value = ? AND key = ?", [(index, key) for index in indexes]
    )


def _born_at(db: Connection, now: int) -> int:
    """Return the epoch second since when this store has its data. It is `now` if the store is new."""
    db.execute("UPDATE store SET born_at = ? WHERE born_at IS NULL", (now,))
    (born_at,) = db.execute("SELECT born_at FROM store").fetchone()
    return int(born_at)
