"""The tables of an SQLite store, and the creation of a new file.

A new database is created under another name and then renamed, so that no process sees an incomplete one.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ..base import unavailable
from ..directory_lock import locked
from .files import OWNER_ONLY

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
INSERT INTO store (id) VALUES (randomblob(16));
"""


def create(path: Path, deadline: float) -> None:
    """Create a new database at `path`, unless there is one.

    Args:
        path: The path of the file.
        deadline: The time by `time.monotonic` until which to wait for another process that creates it.

    Raises:
        StoreUnavailable: The directory does not exist, or cannot be written.
        sqlite3.Error: SQLite failed, for example because the disk is full.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with locked(path.parent, deadline):
            if path.exists():
                return
            # A log without its database belongs to an older database. SQLite would write it into the new one.
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            try:
                fresh.unlink(missing_ok=True)
                os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWNER_ONLY))
                _make_tables(fresh)
                fresh.rename(path)
            finally:
                fresh.unlink(missing_ok=True)
    except OSError as error:
        raise unavailable(f"{path} cannot be created: {error.strerror}") from error


def _make_tables(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # The file becomes smaller when sessions end. This must be set before the first table is created.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        # With WAL, readers and a writer do not wait for each other. The mode is stored in the file.
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise unavailable(f"SQLite keeps no write-ahead log here, but {mode}")
        connection.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT"
        )
    finally:
        connection.close()


def validate(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a database has the tables of this release.

    Raises:
        StoreUnavailable: The database belongs to another application or to another release.
    """
    connection.execute("BEGIN")
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.execute("ROLLBACK")
    if application_id == APPLICATION_ID and version == VERSION and tables:
        return
    if application_id == APPLICATION_ID:
        raise unavailable(f"{path} was written by another release of oidc_gate")
    if not (application_id or version or tables):
        raise unavailable(f"{path} is empty; remove it, and a new one is created")
    raise unavailable(f"{path} is the database of another application")
