"""The connections of an SQLite store: how they are lent, kept, closed and forked."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.sqlite import connections as module
from oidc_gate.store.sqlite import schema
from oidc_gate.store.sqlite.connections import MAX_IDLE, Connections, begin
from oidc_gate.store.sqlite.schema import validate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def lent(path: Path) -> Iterator[Connections]:
    found = Connections(path, 10)
    yield found
    found.close()


def failure(code: int, text: str = "x") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def test_a_connection_is_lent_again(lent: Connections) -> None:
    with lent.reading() as first:
        with lent.reading() as second:
            assert second is not first
        assert lent._lent == 1
    assert lent._lent == 0
    with lent.reading() as again:
        assert again in (first, second)
    assert len(lent._idle) == 2


def test_so_many_are_kept(lent: Connections) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(lent.reading()) for _ in range(MAX_IDLE + 2)]
    assert len(lent._idle) == MAX_IDLE == 8
    closed = 0
    for each in held:
        try:
            each.execute("SELECT 1")
        except sqlite3.ProgrammingError:
            closed += 1
    assert closed == 2


def test_the_settings_of_a_connection(lent: Connections, path: Path) -> None:
    def of(db: sqlite3.Connection, *names: str) -> list[int]:
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    with lent.reading() as db:
        assert of(db, "journal_size_limit", "busy_timeout") == [4_194_304, 5000]
        assert db.isolation_level is None
        thread = threading.Thread(target=lambda: db.execute("SELECT 1"))
        thread.start()
        thread.join()
    with lent.writing() as db:
        assert of(db, "synchronous", "busy_timeout") == [2, 10_000]
        during = db.in_transaction
    assert (during, db.in_transaction) == (True, False)
    with lent.writing(is_durable=False) as db:
        assert of(db, "synchronous") == [1]
    assert path.exists()


def test_what_fails_is_rolled_back_and_the_lock_is_free(lent: Connections) -> None:
    with lent.writing() as db:
        db.execute("INSERT INTO ends (key) VALUES ('kept')")

    def fail() -> None:
        with lent.writing() as db:
            db.execute("INSERT INTO ends (key) VALUES ('lost')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with lent.reading() as db:
        assert db.execute("SELECT key FROM ends").fetchall() == [("kept",)]
    assert not lent._writing.locked()


DAMAGED = "the file is damaged; move it and its -wal and -shm away, and a new one is created"


@pytest.mark.parametrize(
    ("code", "hint", "is_kept"),
    [
        (sqlite3.SQLITE_BUSY, "another process holds its lock", True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another process holds its lock", True),
        (sqlite3.SQLITE_LOCKED, "", True),
        (sqlite3.SQLITE_FULL, "the disk is full", True),
        (sqlite3.SQLITE_NOTADB, "this is not an SQLite database; move the file away, and a new one is created", False),
        (sqlite3.SQLITE_CORRUPT, DAMAGED, False),
        (sqlite3.SQLITE_READONLY, "it may not be written, or was replaced", False),
        (sqlite3.SQLITE_READONLY_DBMOVED, "it may not be written, or was replaced", False),
        (sqlite3.SQLITE_CANTOPEN, "it cannot be opened", False),
        (sqlite3.SQLITE_IOERR, "the disk failed", False),
        (sqlite3.SQLITE_ERROR, "", False),
    ],
)  # fmt: skip
def test_errors_of_sqlite(lent: Connections, path: Path, code: int, hint: str, is_kept: bool) -> None:
    with pytest.raises(StoreUnavailable) as caught, lent.reading() as db:
        raise failure(code, "text of SQLite")
    expected = f"{path}: {hint} (text of SQLite)" if hint else f"{path}: text of SQLite"
    assert caught.value.detail == expected
    assert lent._idle == ([db] if is_kept else [])
    assert lent._lent == 0


def test_an_error_that_is_not_of_sqlite(lent: Connections) -> None:
    with pytest.raises(ZeroDivisionError), lent.reading():
        raise ZeroDivisionError
    assert (lent._idle, lent._lent) == ([], 0)
    assert module._code(sqlite3.Error()) == 0


def test_one_thread_writes_at_a_time(lent: Connections, path: Path) -> None:
    with lent.writing():
        for wait in (0, -1, 0.01):
            with pytest.raises(StoreUnavailable) as caught, lent.writing(wait_seconds=wait):
                pass
            assert caught.value.detail == f"{path}: another process holds its lock"
    with lent.writing(wait_seconds=0):
        pass


def test_how_long_it_waits_for_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += 1

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    asked: list[str] = []

    class Connection:
        errors = [failure(sqlite3.SQLITE_BUSY)] * 2

        def execute(self, query: str) -> None:
            asked.append(query)
            if self.errors:
                raise self.errors.pop()

    begin(Connection(), 103)  # type: ignore[arg-type]
    assert asked == ["BEGIN IMMEDIATE"] * 3
    assert all(0.001 <= seconds <= 0.006 for seconds in slept)
    Connection.errors = [failure(sqlite3.SQLITE_BUSY)] * 9
    with pytest.raises(sqlite3.OperationalError):
        begin(Connection(), 104)  # type: ignore[arg-type]
    assert len(asked) == 7, "it asks once more at 104, and gives up at 105"
    Connection.errors = [failure(sqlite3.SQLITE_FULL)]
    with pytest.raises(sqlite3.OperationalError):
        begin(Connection(), 200)  # type: ignore[arg-type]
    assert len(asked) == 8


def test_generations(lent: Connections, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert lent.generation == 0
    with lent.reading():
        pass
    assert lent.generation == 1
    with lent.reading(), lent.reading():
        pass
    assert lent.generation == 1
    path.unlink()
    with caplog.at_level(logging.WARNING, "oidc_gate.store"), lent.reading():
        pass
    assert lent.generation == 2
    said = f"{path} was removed or replaced: sessions that it held are over"
    assert caplog.record_tuples == [("oidc_gate.store", logging.WARNING, said)]
    lent.close()
    assert (lent.generation, lent._idle, lent._identity, lent._pin) == (3, [], None, None)


def test_closing_releases_every_descriptor(path: Path) -> None:
    before = sorted(os.listdir("/dev/fd"))
    found = Connections(path, 10)
    with found.reading(), found.reading():
        pass
    path.unlink()
    with found.reading():
        pass
    found.close()
    assert sorted(os.listdir("/dev/fd")) == before


def test_a_file_that_is_replaced_while_it_is_opened(
    lent: Connections, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lent.reading():
        pass
    lent.close()

    def replace(connection: sqlite3.Connection, where: Path) -> None:
        validate(connection, where)
        copy = where.with_name("copy")
        copy.write_bytes(where.read_bytes())
        copy.replace(where)

    monkeypatch.setattr("oidc_gate.store.sqlite.schema.validate", replace)
    with pytest.raises(StoreUnavailable) as caught, lent.reading():
        pass
    assert caught.value.detail == f"{path} was replaced while it was opened"
    assert (lent._idle, lent._lent) == ([], 0)


def test_before_a_fork_what_is_lent_is_awaited(lent: Connections) -> None:
    done: list[str] = []
    with lent.reading():
        pass
    with ExitStack() as stack:
        stack.enter_context(lent.reading())
        fork = threading.Thread(target=lambda: (lent.before_fork(), done.append("forked")))  # type: ignore[func-returns-value]
        fork.start()
        deadline = time.monotonic() + 60
        while not lent._is_forking:
            assert time.monotonic() < deadline
            time.sleep(0.001)

        def lend() -> None:
            with lent.reading():
                done.append("lent")

        late = threading.Thread(target=lend)
        late.start()
        time.sleep(0.05)
        assert done == []
    fork.join()
    time.sleep(0.05)
    assert done == ["forked"]
    assert lent._idle == [], "none is carried over"
    lent.after_fork_in_parent()
    late.join()
    assert done == ["forked", "lent"]


def test_a_fork_does_not_wait_for_ever(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lent = Connections(path, -1)
    with lent.reading() as db:
        with caplog.at_level(logging.ERROR, "oidc_gate.store"):
            lent.before_fork()
        lent.after_fork_in_child()
        assert lent._is_forking, "a connection was open: the child cannot start again"
        lent.after_fork_in_parent()
        db.execute("SELECT 1")
    assert caplog.record_tuples == [("oidc_gate.store", logging.ERROR, f"{path}: forked while it was used")]
    lent.before_fork()
    lent._writing.acquire()
    lent.after_fork_in_child()
    assert (lent._is_forking, lent._lent, lent._writing.locked()) == (False, 0, False)
    lent.close()


class Waits:
    """A condition for which nobody waits longer than a test."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        self.seconds.append(timeout)
        return predicate()

    def notify_all(self) -> None: ...


def test_how_long_a_fork_and_those_that_read_wait_for_each_other(
    lent: Connections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits = Waits()
    monkeypatch.setattr(lent, "_changed", waits)
    with lent.reading():
        assert waits.seconds == [11]
        lent.before_fork()
        assert waits.seconds == [11, 11], "a call has ended by then"
        assert len(caplog.messages) == 1
        lent.after_fork_in_parent()
    lent.before_fork()
    lent.after_fork_in_parent()
    assert len(caplog.messages) == 1


def test_how_long_it_waits_for_a_process_that_creates_the_file(
    lent: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []
    create = schema.create

    def watched(path: Path, deadline: float) -> None:
        left.append(deadline - time.monotonic())
        create(path, time.monotonic() + 60)

    monkeypatch.setattr(schema, "create", watched)
    for _ in range(2):
        with lent.reading(), lent.reading():
            pass
    assert left == [pytest.approx(5, abs=2)], "half of the time of a call; and it is created once"


@pytest.mark.parametrize("state", ["lent", "idle", "unused"])
def test_a_process_that_was_forked_without_hooks(path: Path, state: str) -> None:
    lent = Connections(path, 10)
    if state != "unused":
        with lent.reading():
            pass
    lent._lent += state == "lent"
    if state == "lent":
        lent._close_idle()
    lent._pid -= 1
    if state == "unused":
        with lent.writing():
            assert lent._pid == os.getpid()
        return
    for lend in (lent.reading, lent.writing):
        with pytest.raises(StoreUnavailable, match="uWSGI: lazy-apps = true"), lend():
            pass


def test_forks_call_every_store_that_lives(lent: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    for name in ("before_fork", "after_fork_in_parent"):
        monkeypatch.setattr(lent, name, lambda name=name: called.append(name))
    module._each("before_fork")
    module._each("after_fork_in_parent")
    assert called == ["before_fork", "after_fork_in_parent"]
