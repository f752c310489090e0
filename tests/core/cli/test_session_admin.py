"""What `oidc-gate sessions` prints, whole, and how it goes through the pages of a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.cli import session_admin
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.session_admin import Counted, Ended, Listed, Selected, StoreAdmin
from oidc_gate.errors import SessionError
from oidc_gate.session.names import Label
from oidc_gate.store.base import EVERYTHING, Page, Row, Selector
from oidc_gate.testing.settings import settings_for_tests

NOW = 1_800_000_000


def row(number: int, *, expires_at: int = NOW + 900, leaves_at: int = NOW + 600) -> Row:
    return Row(bytes([number]), 1, expires_at, leaves_at, NOW - 60, (), b"label")


ADA = (row(1), Label("ada@corp.example", "ada", "s1", NOW - 3600))
EVE = (row(2, expires_at=NOW + 60), Label("", "e\x1bv\u2028e", "s-2", NOW - 7200))


def test_a_list() -> None:
    assert Listed([ADA, EVE], 2).as_text() == (
        "SESSION  SUBJECT  E-MAIL            SIGNED IN             LAST REQUEST          ENDS UNLESS USED\n"
        "s1       ada      ada@corp.example  2027-01-15 07:00:00Z  2027-01-15 07:59:00Z  2027-01-15 08:10:00Z\n"
        "s-2      e?v?e    -                 2027-01-15 06:00:00Z  2027-01-15 07:59:00Z  2027-01-15 08:01:00Z\n"
        "2 more, of other gates or sealed under a removed secret"
    )
    assert Listed([ADA], 0).as_text().count("\n") == 1
    assert Listed([], 0).as_text() == "no sessions"
    assert (
        Listed([], 1).as_text().splitlines()[-1] == "1 more, of other gates or sealed under a removed secret"
    )
    text = Listed([ADA, EVE], 2).as_json()
    assert text.isascii()
    assert json.loads(text) == {
        "sessions": [
            {
                "session": "s1",
                "subject": "ada",
                "email": "ada@corp.example",
                "started_at": NOW - 3600,
                "last_seen": NOW - 60,
                "expires_at": NOW + 600,
            },
            {
                "session": "s-2",
                "subject": "e\x1bv\u2028e",
                "email": "",
                "started_at": NOW - 7200,
                "last_seen": NOW - 60,
                "expires_at": NOW + 60,
            },
        ],
        "unreadable": 2,
    }
    assert Listed([], 1).exit_status == 0


@pytest.mark.parametrize(
    ("result", "text", "content", "status"),
    [
        (Counted(0), "0", {"count": 0}, 0),
        (Counted(7), "7", {"count": 7}, 0),
        (Ended(None), "ended: every process refuses these sessions now", {"ended": None}, 0),
        (Ended(0), "no such session", {"ended": 0}, 1),
        (Ended(1), "1 ended: every process refuses it now", {"ended": 1}, 0),
        (Ended(2), "2 ended: every process refuses them now", {"ended": 2}, 0),
    ],
)
def test_numbers(result: Counted | Ended, text: str, content: dict[str, Any], status: int) -> None:
    assert (result.as_text(), json.loads(result.as_json()), result.exit_status) == (text, content, status)


class Pages:
    """A store whose pages are given. The last row of a page is also the first one of the next."""

    lag_seconds = 0.25

    def __init__(self, *rows: Row) -> None:
        self.rows = rows
        self.found: list[tuple[Selector, int, bytes, int]] = []
        self.ended: list[tuple[Selector, int]] = []

    def find(self, selector: Selector, now: int, after: bytes, most: int) -> Page:
        self.found.append((selector, now, after, most))
        start = int(after or 0)
        rows = self.rows[start : start + most]
        following = start + max(most - 1, 1)
        return Page(rows, str(following).encode() if following < len(self.rows) else b"")

    def end(self, selector: Selector, now: int) -> int:
        self.ended.append((selector, now))
        return len(selector.keys)


class Sessions:
    """Takes the place of the stored sessions: each row is opened with its key as the subject."""

    names = tickets = None


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock, and return how long the command would wait."""
    found: list[float] = []
    monkeypatch.setattr("oidc_gate.cli.session_admin.time.time", lambda: NOW + 0.9)
    monkeypatch.setattr("oidc_gate.cli.session_admin.time.sleep", found.append)
    return found


def admin(store: Pages, monkeypatch: pytest.MonkeyPatch) -> StoreAdmin:
    def opened(tickets: object, given: Row) -> Label:
        if given.version == 2:
            raise SessionError("session_unreadable", "It cannot be read.")
        return Label("", str(given.key[0]), "", -given.key[0])

    monkeypatch.setattr(session_admin, "open_label", opened)
    sessions: Any = Sessions()
    given: Any = store
    return StoreAdmin(settings_for_tests(issuer="https://op.example"), given, sessions)


def test_every_page_is_read_and_each_row_once(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_admin, "PAGE_ROWS", 3)
    store = Pages(*(row(number)._replace(version=1 + (number == 2)) for number in range(6)))
    listed = admin(store, monkeypatch).list(Selected("all", ""))
    assert [label.subject for _, label in listed.sessions] == ["5", "4", "3", "1", "0"]  # the oldest first
    assert listed.unreadable == 1
    assert store.found == [(EVERYTHING, NOW, after, 3) for after in (b"", b"2", b"4")]
    provider = Selected("provider", "https://op.example")
    assert admin(store, monkeypatch).list(provider).unreadable == 0
    assert admin(store, monkeypatch).count(provider) == Counted(5)


def test_the_sessions_of_a_provider_are_ended_in_pages(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_admin, "PAGE_ROWS", 3)
    store = Pages(*(row(number) for number in range(7)))
    assert admin(store, monkeypatch).end(Selected("provider", "https://op.example")) == Ended(7)
    keys = [bytes([number]) for number in reversed(range(7))]
    assert store.ended == [
        (Selector(keys=tuple(keys[:3])), NOW),
        (Selector(keys=tuple(keys[3:6])), NOW),
        (Selector(keys=tuple(keys[6:])), NOW),
    ]
    assert slept == [0.25]


def test_nothing_is_waited_for_if_nothing_ends(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    store = Pages()
    assert admin(store, monkeypatch).end(Selected("all", "")) == Ended(0)
    assert (store.ended, slept) == ([(EVERYTHING, NOW)], [])
    assert session_admin.PAGE_ROWS == 200


def test_the_file_of_a_store_exists_and_belongs_to_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a b.db"
    urls = (f"sqlite://{tmp_path}/a%20b.db", f"SQLite:///{tmp_path}/a b.db")
    for url in urls:
        with pytest.raises(CommandError) as raised:
            session_admin._check_file(url)
        assert str(raised.value) == (
            f"{file}: No such file or directory; has the gate been started, and do the settings here name the same"
            " store?"
        )
    file.touch()
    for url in (*urls, "redis://127.0.0.1/no/such.db"):
        session_admin._check_file(url)
    monkeypatch.setattr("oidc_gate.cli.session_admin.os.geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(CommandError) as raised:
        session_admin._check_file(urls[0])
    assert str(raised.value) == f"{file} belongs to another user; run this as the user that serves the gate"
    session_admin._check_file("redis://127.0.0.1/no/such.db")
