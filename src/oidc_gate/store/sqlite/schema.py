"""The tables of an SQLite store."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from ..base import unavailable

APPLICATION_ID = 0x6F676174  # "ogat"
VERSION = 1

_TABLES = """
CREATE TABLE sessions (
    key BLOB PRIMARY KEY, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, leaves_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL, indexes BLOB NOT NULL, label BLOB NOT NULL, body BLOB NOT NULL
);
CREATE INDEX sessions_by_leaves_at ON sessions (leaves_at);
CREATE TABLE session_indexes (value BLOB, key BLOB, PRIMARY KEY (value, key)) WITHOUT ROWID;
CREATE TABLE ends (position INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB);
CREATE TABLE expiring_keys (
    kind TEXT, name BLOB, at INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX expiring_keys_by_until ON expiring_keys (until);
CREATE TABLE leases (name BLOB PRIMARY KEY, token BLOB NOT NULL, taken REAL NOT NULL, until REAL NOT NULL);
CREATE TABLE store (id BLOB NOT NULL, born_at INTEGER);
"""


def prepare(connection: sqlite3.Connection, path: Path, deadline: float) -> None:
    """Make the tables if they are not there, and set what is set for each connection.

    Args:
        connection: A new one.
        path: For messages.
        deadline: Until when to wait for another process that makes them, a `time.monotonic`.

    Raises:
        StoreUnavailable: The database belongs to another application or to a later release.
    """
    if not _is_prepared(connection, path):
        # Has an effect only before the first table is made; then a file gets smaller when sessions leave.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _use_wal(connection, deadline)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _is_prepared(connection, path):
                for statement in _TABLES.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute("INSERT INTO store (id) VALUES (randomblob(16))")
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={VERSION}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    # A log that grew beyond 4 MiB, which is where SQLite begins it again, is cut back to that.
    connection.execute("PRAGMA journal_size_limit=4194304")


def _is_prepared(connection: sqlite3.Connection, path: Path) -> bool:
    ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if (application_id, version) == (APPLICATION_ID, VERSION):
        return True
    if application_id == APPLICATION_ID:
        raise unavailable(f"{path} was written by another release of oidc_gate")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    if application_id or version or tables:
        raise unavailable(f"{path} is the database of another application")
    return False


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to a write-ahead log: readers and a writer do not wait for each other.

    SQLite does not wait here while another process does the same.
    """
    while True:
        try:
            ((mode,),) = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
        else:
            if mode == "wal":
                return
            if time.monotonic() > deadline:
                raise unavailable(f"SQLite keeps no write-ahead log here, but {mode}")
        time.sleep(0.005)
