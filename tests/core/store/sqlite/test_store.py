"""What the store in an SQLite file writes, to the row, the second and the key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.store.base import EVERYTHING, GRACE_SECONDS, Added, ExpiringKey, Lease, Page, Row, Selector
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.sqlite import store as module

from .test_files import linux, open_files

NOW = 1_800_000_000
KEY, OTHER = b"k" * 32, b"o" * 32
ALICE, AT_PROVIDER = b"a" * 32, b"p" * 32
ROW = Row(KEY, 1, NOW + 3600, NOW + 600, NOW, (ALICE, AT_PROVIDER), b"label", b"body")


class Clock:
    """The monotonic clock of the store."""

    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, tick_seconds=0.01, max_keys=4)
    yield store
    store.close()


def rows_of(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def stamp_of(path: Path) -> bytes:
    return path.with_name("sessions.db-stamp").read_bytes()


def test_what_it_is(store: SqliteStore, path: Path) -> None:
    assert (store.blocks, store.lag_seconds, store.describe()) == (True, 0, f"SQLite at {path}")
    assert store.check(NOW) == ()
    assert rows_of(path, "SELECT born_at FROM store") == [(NOW,)], "it has its data since then"
    assert {each.name for each in path.parent.iterdir()} >= {"sessions.db", "sessions.db-stamp"}
    assert store._connections._deadline_seconds == pytest.approx(1.8), "the rest is for the answer"


def test_the_pages_of_find(store: SqliteStore) -> None:
    rows = [ROW._replace(key=bytes([number]) * 32) for number in (0x81, 0x82, 0x83)]
    for row in reversed(rows):
        assert store.put(row, 0, NOW) is True
    bare = [row._replace(body=b"") for row in rows]
    keys = tuple(row.key for row in rows)
    for selector in (Selector(indexes=(ALICE,)), Selector(keys=keys)):
        assert store.find(selector, NOW, b"", 2) == Page((bare[0], bare[1]), keys[1])
        assert store.find(selector, NOW, keys[1], 2) == Page((bare[2],), b"")
        assert store.find(selector, NOW, b"", 3) == Page(tuple(bare), b"")
    assert store.find(EVERYTHING, NOW, b"", 2) == Page((bare[0], bare[1]), keys[1])
    assert store.find(EVERYTHING, NOW, keys[1], 2) == Page((bare[2],), b"")
    for selector, now, found in ((EVERYTHING, NOW + 599, bare), (Selector(keys=keys), NOW + 600, [])):
        assert store.find(selector, now) == Page(tuple(found), b"")
        assert store.count(selector, now) == len(found)
        assert store.count(EVERYTHING, now) == len(found)
    assert store.find(Selector(keys=(OTHER,)), NOW) == Page((), b"")
    assert store.open(KEY, NOW) is None


def test_which_versions_are_written(store: SqliteStore) -> None:
    second = ROW._replace(version=2, body=b"second")
    assert store.put(second, 1, NOW) is False, "there is no row that it could replace"
    assert store.open(KEY, NOW) is None
    assert store.put(ROW, 0, NOW) is True
    for expected in (0, 2):
        assert store.put(second, expected, NOW) is False
    assert store.open(KEY, NOW) == ROW
    assert store.put(second, 1, NOW) is True
    assert store.open(KEY, NOW + 599) == second
    assert store.open(KEY, NOW + 600) is None


def test_times_move_forward_only(store: SqliteStore) -> None:
    store.put(ROW, 0, NOW)
    assert store.touch(KEY, NOW + 5, NOW + 605, NOW + 599) is True
    assert store.touch(KEY, NOW + 4, NOW + 606, NOW + 604) is True
    assert store.touch(KEY, NOW + 6, NOW + 604, NOW + 605) is True
    moved = ROW._replace(last_seen=NOW + 6, leaves_at=NOW + 606)
    assert store.open(KEY, NOW) == moved
    assert store.touch(KEY, NOW + 9, NOW + 999, NOW + 606) is False, "it is over"
    assert store.touch(OTHER, NOW, NOW + 600, NOW) is False
    assert store.put(ROW._replace(version=2), 1, NOW) is True
    assert store.open(KEY, NOW) == moved._replace(version=2)
    assert store.put(ROW._replace(version=3, last_seen=NOW + 7, leaves_at=NOW + 607), 2, NOW) is True
    assert store.open(KEY, NOW) == ROW._replace(version=3, last_seen=NOW + 7, leaves_at=NOW + 607)


@linux
def test_the_stamp_is_closed_after_each_use(store: SqliteStore, path: Path) -> None:
    store.check(NOW)
    store.close()
    held = open_files(path.parent)
    for number in range(3):
        store.check(NOW)
        store.end(Selector(keys=(KEY,)), NOW)
        store.add_once(ExpiringKey("kind", b"%d" % number), NOW + 60, NOW, announce=True)
    store.close()
    assert open_files(path.parent) == held == []


def test_which_changes_are_on_the_disk_when_a_call_returns(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure may lose the time of a request, and leases, which end with the processes."""
    durable: list[bool] = []
    writing = store._connections.writing

    def watched(*, is_durable: bool = True) -> AbstractContextManager[sqlite3.Connection]:
        durable.append(is_durable)
        return writing(is_durable=is_durable)

    monkeypatch.setattr(store._connections, "writing", watched)
    key = ExpiringKey("kind", b"name")
    for call in (
        lambda: store.check(NOW),
        lambda: store.put(ROW, 0, NOW),
        lambda: store.add_once(key, NOW + 60, NOW),
        lambda: store.end(EVERYTHING, NOW),
    ):
        call()
    assert durable == [True] * 4
    durable.clear()
    store.touch(KEY, NOW, NOW, NOW)
    lease = store.lease(b"refresh", 10)
    assert lease is not None
    store.renew(lease, 10)
    store.release(lease)
    assert durable == [False] * 4
    assert store.when_added((key,), NOW) == Added(NOW, NOW)
    assert durable == [False] * 4, "a question writes nothing"


def test_indexes_belong_to_the_row_that_is_there(store: SqliteStore, path: Path) -> None:
    indexes = "SELECT value, key FROM session_indexes ORDER BY value, key"
    store.put(ROW, 0, NOW)
    store.put(ROW._replace(key=OTHER, indexes=(ALICE, ALICE)), 0, NOW)
    assert rows_of(path, indexes) == [(ALICE, KEY), (ALICE, OTHER), (AT_PROVIDER, KEY)]
    assert store.put(ROW._replace(version=2, indexes=()), 1, NOW)
    assert rows_of(path, indexes) == [(ALICE, OTHER)]
    assert store.put(ROW._replace(version=3), 2, NOW)
    assert store.end(Selector(indexes=(ALICE,)), NOW) == 2
    assert rows_of(path, indexes) == []
    assert sorted(rows_of(path, "SELECT key FROM ends")) == [(KEY,), (OTHER,)]


def test_an_end_that_ends_nothing_changes_no_stamp(store: SqliteStore, path: Path) -> None:
    store.check(NOW)
    before = stamp_of(path)
    assert store.end(Selector(indexes=(ALICE,)), NOW) == 0
    assert store.end(Selector(), NOW) == 0
    store.add_once(ExpiringKey("kind", b"quiet"), NOW + 60, NOW)
    assert stamp_of(path) == before
    store.add_once(ExpiringKey("kind", b"loud"), NOW + 60, NOW, announce=True)
    loud = stamp_of(path)
    assert store.end(Selector(keys=(KEY,)), NOW) == 0
    key = stamp_of(path)
    assert store.end(EVERYTHING, NOW) == 0
    assert len({before, loud, key, stamp_of(path)}) == 4
    assert rows_of(path, "SELECT key FROM ends ORDER BY position") == [(b"loud",), (KEY,), (b"",)]


@pytest.mark.parametrize("selector", [EVERYTHING, Selector(keys=(KEY,)), Selector(indexes=(AT_PROVIDER,))])
@pytest.mark.parametrize(("now", "ended"), [(NOW + 599, 1), (NOW + 600, 0)])
def test_a_row_that_is_over_is_not_counted_as_ended(
    store: SqliteStore, path: Path, selector: Selector, now: int, ended: int
) -> None:
    store.put(ROW, 0, NOW)
    assert store.end(selector, now) == ended
    assert rows_of(path, "SELECT count(*) FROM sessions") == [(0,)]
    assert rows_of(path, "SELECT count(*) FROM session_indexes") == [(0,)]


def test_the_newest_ends_are_kept(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDS", 3)
    for number in range(5):
        store.end(Selector(keys=(b"%032d" % number,)), NOW)
    found = [(b"%032d" % number,) for number in (2, 3, 4)]
    assert rows_of(path, "SELECT key FROM ends ORDER BY position") == found


def test_when_a_key_was_added(store: SqliteStore, path: Path) -> None:
    key = ExpiringKey("kind", b"name")
    assert store.when_added((key,), NOW) == Added(None, NOW)
    assert store.add_once(key, NOW + 60, NOW + 10) is True
    assert store.add_once(key, NOW + 50, NOW + 5) is False
    assert store.when_added((key,), NOW + 59) == Added(NOW + 10, NOW)
    assert store.when_added((key,), NOW + 60) == Added(None, NOW)
    assert store.add_once(key, NOW + 60, NOW + 60) is True, "over before it was added"
    assert rows_of(path, "SELECT at, until FROM expiring_keys") == [(NOW + 10, NOW + 60)]
    over = ExpiringKey("kind", b"over")
    assert store.add_once(over, NOW, NOW) is True
    assert rows_of(path, "SELECT name FROM expiring_keys") == [(b"name",)]
    assert rows_of(path, "SELECT born_at FROM store") == [(NOW,)]


def test_since_when_it_has_its_data_is_known_after_the_first_key(path: Path) -> None:
    store = SqliteStore(path)
    store.add_once(ExpiringKey("kind", b"name"), NOW + 60, NOW + 3)
    assert store.when_added((), NOW + 9) == Added(None, NOW + 3)
    store.close()


def test_those_that_end_first_leave_when_there_are_too_many_of_a_kind(store: SqliteStore, path: Path) -> None:
    """They are counted at every fourth."""
    store.add_once(ExpiringKey("other", b"x"), NOW + 1, NOW)
    for number in range(6):
        store.add_once(ExpiringKey("kind", b"%d" % number), NOW + 100 - number, NOW)
    names = "SELECT name FROM expiring_keys WHERE kind = 'kind' ORDER BY name"
    assert [name for (name,) in rows_of(path, names)] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    store.add_once(ExpiringKey("kind", b"6"), NOW + 200, NOW)
    assert [name for (name,) in rows_of(path, names)] == [b"0", b"1", b"2", b"6"]
    assert rows_of(path, "SELECT name FROM expiring_keys WHERE kind = 'other'") == [(b"x",)]
    assert (module.MAX_KEYS_OF_A_KIND, module._COUNT_EVERY) == (250_000, 1_024)


def test_a_lease_ends_to_the_second(store: SqliteStore, clock: Clock, path: Path) -> None:
    lease = store.lease(b"refresh", 10)
    assert lease is not None
    assert (lease.name, len(lease.token)) == (b"refresh", 16)
    clock.now = 1009.9
    assert store.lease(b"refresh", 10) is None
    assert store.renew(lease, 10) is True
    clock.now = 1019.8
    assert store.lease(b"refresh", 10) is None
    clock.now = 1019.9
    assert store.renew(lease, 10) is False
    other = store.lease(b"refresh", 3600)
    assert other is not None
    assert rows_of(path, "SELECT * FROM leases") == [(b"refresh", other.token, 1019.9, 1079.9)], (
        "at most a minute"
    )
    store.release(lease)
    assert store.lease(b"refresh", 10) is None
    assert store.renew(other, 3600) is True
    assert rows_of(path, "SELECT until FROM leases") == [(1079.9,)]
    store.release(other)
    assert rows_of(path, "SELECT * FROM leases") == []
    assert store.renew(Lease(b"refresh", b"x"), 10) is False


def test_what_expired_long_ago_leaves_once_in_ten_seconds(
    store: SqliteStore, clock: Clock, path: Path
) -> None:
    end = ROW.leaves_at + GRACE_SECONDS
    store.put(ROW, 0, NOW)
    store.put(ROW._replace(key=OTHER, leaves_at=ROW.leaves_at + 1), 0, NOW)
    store.add_once(ExpiringKey("kind", b"name"), NOW + 600, NOW)
    clock.now += 9.9
    assert store.check(end) == ()
    assert rows_of(path, "SELECT count(*) FROM sessions") == [(2,)]
    clock.now += 0.1
    store.check(end - 1)
    assert rows_of(path, "SELECT count(*) FROM sessions") == [(2,)]
    assert rows_of(path, "SELECT count(*) FROM expiring_keys") == [(1,)]
    clock.now += 10
    store.check(end)
    assert rows_of(path, "SELECT key FROM sessions") == [(OTHER,)]
    assert rows_of(path, "SELECT key FROM session_indexes ORDER BY value") == [(OTHER,), (OTHER,)]
    assert rows_of(path, "SELECT count(*) FROM expiring_keys") == [(0,)]


@pytest.mark.parametrize("call", ["put", "add_once", "check"])
def test_what_tidies(store: SqliteStore, clock: Clock, path: Path, call: str) -> None:
    store.put(ROW, 0, NOW)
    clock.now += 10
    later = ROW.leaves_at + GRACE_SECONDS
    if call == "put":
        store.put(ROW._replace(key=OTHER), 0, later)
    elif call == "add_once":
        store.add_once(ExpiringKey("kind", b"name"), later + 1, later)
    else:
        store.check(later)
    assert rows_of(path, "SELECT count(*) FROM sessions WHERE key = x'" + KEY.hex() + "'") == [(0,)]


def test_many_that_expired_leave_in_parts_without_a_pause(
    store: SqliteStore, clock: Clock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY_ROWS", 2)
    for number in range(5):
        store.put(ROW._replace(key=bytes([number]) * 32, leaves_at=NOW + number), 0, NOW)
    clock.now += 10
    left = []
    for _ in range(4):
        store.check(NOW + GRACE_SECONDS + 100)
        left.append([key[0] for (key,) in rows_of(path, "SELECT key FROM sessions ORDER BY key")])
    assert left == [[2, 3, 4], [4], [], []]


def test_pages_that_are_not_used_any_more_return_to_the_system(
    store: SqliteStore, clock: Clock, path: Path
) -> None:
    for number in range(40):
        store.put(ROW._replace(key=bytes([number]) * 32, body=bytes(20_000)), 0, NOW)
    clock.now += 10
    store.check(ROW.leaves_at + GRACE_SECONDS)
    assert rows_of(path, "PRAGMA freelist_count") == [(0,)]
    assert rows_of(path, "PRAGMA page_count")[0][0] < 40
