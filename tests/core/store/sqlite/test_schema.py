"""A new database of an SQLite store, and the recognition of others."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.sqlite import schema
from oidc_gate.store.sqlite.schema import create, validate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def asked(path: Path, *queries: str) -> list[object]:
    with closing(sqlite3.connect(path)) as database:
        return [database.execute(query).fetchone()[0] for query in queries]


def test_a_new_database(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(b"of an older one")
    path.with_name(f"sessions.db.{os.getpid()}.new").write_bytes(b"of a process that was killed")
    umask = os.umask(0)
    try:
        create(path, time.monotonic() + 60)
    finally:
        os.umask(umask)
    assert [each.name for each in path.parent.iterdir()] == ["sessions.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    pragmas = [f"PRAGMA {name}" for name in ("application_id", "user_version", "auto_vacuum", "journal_mode")]
    assert asked(path, *pragmas) == [0x6F676174, 1, 2, "wal"]
    assert asked(path, "SELECT length(id) FROM store", "SELECT count(*) FROM store") == [16, 1]
    before = path.read_bytes()
    create(path, time.monotonic() + 60)
    assert path.read_bytes() == before, "one that is there is left alone"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        validate(database, path)
        assert not database.in_transaction


def test_it_has_its_tables_and_indexes(path: Path) -> None:
    create(path, time.monotonic() + 60)
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        assert [name for (name,) in found] == [
            *("ends", "expiring_keys", "expiring_keys_by_until", "leases"),
            *("session_indexes", "sessions", "sessions_by_leaves_at", "store"),
        ]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def test_another_process_creates_it(path: Path) -> None:
    with locked(path.parent), pytest.raises(StoreUnavailable) as caught:
        create(path, time.monotonic() + 0.05)
    text = f"{path} cannot be created: another process has locked {path.parent}"
    assert caught.value.detail == text
    assert list(path.parent.iterdir()) == []


def test_a_database_that_cannot_be_made_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(schema, "_make_tables", fail)
    with pytest.raises(sqlite3.OperationalError):
        create(path, time.monotonic() + 60)
    assert list(path.parent.iterdir()) == []


def test_a_file_system_without_a_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        is_closed = False

        def execute(self, query: str) -> Connection:
            return self

        def fetchone(self) -> tuple[str]:
            return ("delete",)

        def close(self) -> None:
            Connection.is_closed = True

    # sqlite3 itself stays as it is: the measurement of coverage uses it too
    patched = SimpleNamespace(**vars(sqlite3) | {"connect": lambda path, isolation_level: Connection()})
    monkeypatch.setattr(schema, "sqlite3", patched)
    with pytest.raises(StoreUnavailable, match="SQLite keeps no write-ahead log here, but delete"):
        create(path, time.monotonic() + 60)
    assert Connection.is_closed


OF_ANOTHER = "is the database of another application"
OF_ANOTHER_RELEASE = "was written by another release of oidc_gate"


@pytest.mark.parametrize(
    ("statements", "detail"),
    [
        ("", "is empty; remove it, and a new one is created"),
        ("CREATE TABLE t (a)", OF_ANOTHER),
        ("PRAGMA user_version=1", OF_ANOTHER),
        ("PRAGMA application_id=7", OF_ANOTHER),
        (
            "PRAGMA application_id=7; PRAGMA user_version=1; CREATE TABLE t (a)",
            OF_ANOTHER,
        ),
        (
            "PRAGMA application_id=1869046132; PRAGMA user_version=2; CREATE TABLE t (a)",
            OF_ANOTHER_RELEASE,
        ),
        ("PRAGMA application_id=1869046132; PRAGMA user_version=1", OF_ANOTHER_RELEASE),
        ("PRAGMA application_id=1869046132; CREATE TABLE t (a)", OF_ANOTHER_RELEASE),
    ],
)
def test_the_database_of_another(path: Path, statements: str, detail: str) -> None:
    assert schema.APPLICATION_ID == 1_869_046_132
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(statements)
        with pytest.raises(StoreUnavailable) as caught:
            validate(database, path)
        assert caught.value.detail == f"{path} {detail}"
        assert not database.in_transaction
