"""When a view of an SQLite store is current, and what it reports."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING, Selector
from oidc_gate.store.sqlite import SqliteStore, view
from oidc_gate.store.sqlite.files import identity_of
from oidc_gate.store.sqlite.view import SqliteView, settled

from .test_files import linux, open_files

NOW = 1_800_000_000
KEYS = [bytes([number]) * 32 for number in range(5)]


class Viewed:
    """A view with a clock of its own, on a store that another process writes."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.now = path, 1000.0
        self.heard: list[tuple[bytes, ...] | None] = []
        monkeypatch.setattr(view, "monotonic", lambda: self.now)
        self.store, self.other = (SqliteStore(path, tick_seconds=0.05) for _ in range(2))
        found = self.store.view(self.heard.append)
        assert isinstance(found, SqliteView)
        self.view = found

    def end(self, *keys: bytes) -> None:
        self.other.end(Selector(keys=keys), NOW)


@pytest.fixture
def viewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Viewed]:
    found = Viewed(tmp_path / "sessions.db", monkeypatch)
    yield found
    found.store.close()
    found.other.close()


def test_it_begins_with_what_is_there(viewed: Viewed) -> None:
    assert viewed.view.is_current() is False
    viewed.end(KEYS[0])
    assert viewed.view.is_current() is False
    assert viewed.view.catch_up() is True
    assert viewed.view.is_current() is True
    assert viewed.heard == []


def test_each_end_is_reported_once(viewed: Viewed) -> None:
    viewed.view.catch_up()
    viewed.end(KEYS[0], KEYS[1])
    viewed.end(KEYS[2])
    assert viewed.view.is_current() is False
    assert viewed.view.catch_up() is True
    (reported,) = viewed.heard
    assert reported is not None
    assert sorted(reported) == KEYS[:3]
    assert viewed.view.catch_up() is True
    viewed.end(KEYS[3])
    assert viewed.view.catch_up() is True
    assert viewed.heard[1:] == [(KEYS[3],)]
    viewed.end(KEYS[4])
    viewed.other.end(EVERYTHING, NOW)
    assert viewed.view.catch_up() is True
    assert viewed.heard[2:] == [None]


def test_a_change_without_an_end_reports_nothing(viewed: Viewed) -> None:
    """A process was killed after it had changed the stamp, and before its commit."""
    viewed.view.catch_up()
    with viewed.path.with_name("sessions.db-stamp").open("r+b") as stamp:
        stamp.write(b"12345678")
    assert viewed.view.is_current() is False
    assert viewed.view.catch_up() is True
    assert viewed.heard == []


def test_ends_that_are_not_kept_any_more_may_be_any(viewed: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_gate.store.sqlite.store.MAX_ENDS", 2)
    viewed.view.catch_up()
    for key in KEYS[:2]:
        viewed.end(key)
    assert viewed.view.catch_up() is True
    assert viewed.heard == [(KEYS[0], KEYS[1])], "the oldest that is kept is the next one"
    for key in KEYS[2:]:
        viewed.end(key)
    assert viewed.view.catch_up() is True
    assert viewed.heard[1:] == [None]
    viewed.end(KEYS[0])
    assert viewed.view.catch_up() is True
    assert viewed.heard[2:] == [(KEYS[0],)]


def test_the_files_are_looked_at_once_a_tick(viewed: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []

    def look(path: Path) -> tuple[int, int] | None:
        looked.append(path)
        return identity_of(path)

    monkeypatch.setattr(view, "identity_of", look)
    viewed.view.catch_up()
    looked.clear()
    both = [viewed.path, viewed.path.with_name("sessions.db-stamp")]
    nothing: list[Path] = []
    ticks = ((1000.0, nothing), (1000.04, nothing), (1000.05, both), (1000.09, both), (1000.1, both * 2))
    for now, expected in ticks:
        viewed.now = now
        assert viewed.view.is_current() is True
        assert looked == expected
    assert view.TICK_SECONDS == 1.0
    assert settled(10) == pytest.approx(11), "every process has looked by then"


@pytest.mark.parametrize("name", ["sessions.db", "sessions.db-stamp"])
def test_a_file_that_was_replaced(viewed: Viewed, name: str) -> None:
    viewed.view.catch_up()
    file = viewed.path.with_name(name)
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o600)
    copy.replace(file)
    assert viewed.view.is_current() is True, "until the next look"
    viewed.now += 0.05
    assert viewed.view.is_current() is False
    assert viewed.view.catch_up() is True
    assert viewed.heard == [None], "ends may have been lost"


@linux
def test_reading_leaves_nothing_open_and_waits_no_longer_than_a_request_may(
    viewed: Viewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []
    writing = viewed.store._connections.writing

    def watched(**options: Any) -> AbstractContextManager[sqlite3.Connection]:
        asked.append(options)
        return writing(**options | {"wait_seconds": 60})

    monkeypatch.setattr(viewed.store._connections, "writing", watched)
    viewed.view.catch_up()
    stamp = str(viewed.path.with_name("sessions.db-stamp"))
    held = open_files(viewed.path.parent).count(stamp)
    for key in KEYS:
        viewed.end(key)
        assert viewed.view.catch_up() is True
    assert open_files(viewed.path.parent).count(stamp) == held
    assert asked == [{"is_durable": False, "wait_seconds": 0.3}] * 6


def test_connections_that_were_closed(viewed: Viewed) -> None:
    """Another file may have been in this place meanwhile. If it is the same, no end was missed."""
    viewed.view.catch_up()
    viewed.store.close()
    viewed.now += 0.05
    assert viewed.view.is_current() is False
    viewed.end(KEYS[0])
    assert viewed.view.catch_up() is True
    assert viewed.heard == [(KEYS[0],)]


def test_a_closed_view(viewed: Viewed) -> None:
    viewed.view.catch_up()
    viewed.view.close()
    assert viewed.view.is_current() is False
    viewed.end(KEYS[0])
    assert viewed.view.catch_up() is False
    assert viewed.heard == []


def test_a_view_that_is_read_by_another_thread(viewed: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "WAIT_SECONDS", 0.01)
    assert viewed.view._lock.acquire(timeout=60)
    assert viewed.view.catch_up() is False
    monkeypatch.setattr(os, "getpid", lambda: 1)  # a child has another lock
    viewed.view._pid = 2
    assert viewed.view._lock.locked()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viewed.view, "_read_ends", lambda: True)
        assert viewed.view.catch_up() is True
    assert viewed.view._pid == 1
    assert not viewed.view._lock.locked()


@pytest.mark.parametrize("error", [StoreUnavailable("store_unavailable", "x"), OSError("x")])
def test_a_view_that_cannot_read(viewed: Viewed, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> bool:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(viewed.view, "_read_ends", fail)
        assert viewed.view.catch_up() is False
    assert viewed.view.catch_up() is True
    with monkeypatch.context() as patch:
        patch.setattr(viewed.view, "_read_ends", fail)
        assert viewed.view.catch_up() is True, "a view that is current reads nothing"
