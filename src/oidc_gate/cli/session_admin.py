"""Lists, counts and ends sessions for ``oidc-gate sessions``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from ..endpoints.context import Components
from ..errors import SessionError, Unavailable
from ..model import Identity, Session
from ..runtime.driver import run
from ..runtime.world import World
from ..session.names import Label, open_label
from ..session.stored_sessions import StoredSessions
from ..settings import Settings
from ..store.base import EVERYTHING, Row, Selector, Store
from .common import CommandError

PAGE_ROWS = 200


class Selected(NamedTuple):
    """A selection of sessions. `kind` is an option of the command without its dashes."""

    kind: str
    value: str


class Listed(NamedTuple):
    """The sessions that were found, and the number of rows that belong to other gates or to a removed secret."""

    sessions: list[tuple[Row, Label]]
    unreadable: int
    exit_status: int = 0

    def as_json(self) -> str:
        """Return a JSON object. Times are epoch seconds."""
        found = [
            {
                "session": label.session_id,
                "subject": label.subject,
                "email": label.email,
                "started_at": label.started_at,
                "last_seen": row.last_seen,
                "expires_at": min(row.expires_at, row.leaves_at),
            }
            for row, label in self.sessions
        ]
        return json.dumps({"sessions": found, "unreadable": self.unreadable})

    def as_text(self) -> str:
        """Return a table. Text from the provider is shown without control characters."""
        head = ("SESSION", "SUBJECT", "E-MAIL", "SIGNED IN", "LAST REQUEST", "ENDS UNLESS USED")
        lines = [head] + [
            (
                _plain(label.session_id),
                _plain(label.subject),
                _plain(label.email) or "-",
                _shown(label.started_at),
                _shown(row.last_seen),
                _shown(min(row.expires_at, row.leaves_at)),
            )
            for row, label in self.sessions
        ]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        if self.unreadable:
            table.append(f"{self.unreadable} more, of other gates or sealed under a removed secret")
        return "\n".join(table) if self.sessions or self.unreadable else "no sessions"


@dataclass(frozen=True)
class Counted:
    """The number of sessions."""

    number: int
    exit_status: int = 0

    def as_json(self) -> str:
        """Return a JSON object."""
        return json.dumps({"count": self.number})

    def as_text(self) -> str:
        """Return the number."""
        return str(self.number)


@dataclass(frozen=True)
class Ended:
    """The number of sessions that were ended; None if it is not known, because they are in cookies."""

    number: int | None

    @property
    def exit_status(self) -> int:
        """Return 1 if no session was ended, so that a script notices a wrong name."""
        return 1 if self.number == 0 else 0

    def as_json(self) -> str:
        """Return a JSON object."""
        return json.dumps({"ended": self.number})

    def as_text(self) -> str:
        """Return a line."""
        if self.number is None:
            return "ended: every process refuses these sessions now"
        if self.number == 0:
            return "no such session"
        return f"{self.number} ended: every process refuses {'it' if self.number == 1 else 'them'} now"


class Admin(Protocol):
    """Lists, counts and ends sessions.

    Raises:
        CommandError: This is not possible. The message says what to do instead.
    """

    def list(self, selected: Selected) -> Listed:
        """Return the sessions."""

    def count(self, selected: Selected) -> Counted:
        """Return the number of sessions."""

    def end(self, selected: Selected) -> Ended:
        """End the sessions, and return when every process refuses them."""


def open_admin(settings: Settings) -> Admin:
    """Return an object that lists, counts and ends the sessions of the gate with these settings.

    Raises:
        CommandError: The sessions are in cookies and there is no store, or the store does not exist or is not
            accessible.
    """
    if settings.store_url is None:
        raise CommandError(
            "the sessions are in cookies (session_store = cookie), in the browsers alone. Set session_store, "
            "or revocation_store to end sessions by subject. In an emergency, replace cookie_secret: that ends all"
        )
    _check_file(settings.store_url)
    # The command needs no metrics, and an unusable metrics_directory must not prevent that sessions are ended.
    world = World(replace(settings, metrics_token=None, metrics_directory=None))
    assert world.store is not None
    components = Components(settings, world.store)
    if components.stored_sessions is None:
        return CookieAdmin(settings, world, components)
    return StoreAdmin(settings, world.store, components.stored_sessions)


def _check_file(url: str) -> None:
    """Check that SQLite's file exists and belongs to this user, because the gate cannot use a file of another user."""
    scheme, _, rest = url.partition("://")
    path = Path("/" + unquote(rest).lstrip("/"))
    if scheme.lower() != "sqlite":
        return
    try:
        owner = path.stat().st_uid
    except OSError as error:
        raise CommandError(
            f"{path}: {error.strerror}; has the gate been started, and do the settings here name the same store?"
        ) from None
    if owner != os.geteuid():
        raise CommandError(f"{path} belongs to another user; run this as the user that serves the gate")


class StoreAdmin:
    """Lists, counts and ends sessions in a store."""

    def __init__(self, settings: Settings, store: Store, sessions: StoredSessions) -> None:
        self._settings, self._store, self._sessions = settings, store, sessions

    def list(self, selected: Selected) -> Listed:
        """Return the sessions, and the number of rows that cannot be read."""
        found, unreadable = [], 0
        for row, label in self._rows(self._selector(selected)):
            if label is not None:
                found.append((row, label))
            elif selected.kind != "provider":
                unreadable += 1
        return Listed(sorted(found, key=lambda pair: pair[1].started_at), unreadable)

    def count(self, selected: Selected) -> Counted:
        """Return the number of sessions."""
        if selected.kind == "provider":
            return Counted(len(self.list(selected).sessions))
        selector = self._selector(selected)
        with _explained():
            return Counted(self._store.count(selector, _now()))

    def end(self, selected: Selected) -> Ended:
        """End the sessions, and wait until no process serves them from its cache any more."""
        selectors = [self._selector(selected)]
        if selected.kind == "provider":
            keys = [row.key for row, _ in self.list(selected).sessions]
            selectors = [
                Selector(keys=tuple(keys[at : at + PAGE_ROWS])) for at in range(0, len(keys), PAGE_ROWS)
            ]
        with _explained():
            number = sum(self._store.end(selector, _now()) for selector in selectors)
        if number:
            time.sleep(self._store.lag_seconds)
        return Ended(number)

    def _selector(self, selected: Selected) -> Selector:
        names, value = self._sessions.names, selected.value
        match selected.kind:
            case "subject":
                return names.of_subject(value)
            case "email":
                return names.of_email(value)
            case "sid":
                return names.of_sid(value)
            case "session":
                return names.of_session(value)
            case "provider" if value != self._settings.issuer:
                raise CommandError(
                    f"--provider: the issuer of these settings is {self._settings.issuer}; name the settings of the "
                    "other gate in --config"
                )
            case _:
                return EVERYTHING

    def _rows(self, selector: Selector) -> Iterator[tuple[Row, Label | None]]:
        """Yield each row once, with its label if this gate can open it."""
        seen: set[bytes] = set()
        after = b""
        while True:
            with _explained():
                page = self._store.find(selector, _now(), after, PAGE_ROWS)
            for row in page.rows:
                if row.key not in seen:
                    seen.add(row.key)
                    yield row, self._label(row)
            if not (after := page.next):
                return

    def _label(self, row: Row) -> Label | None:
        try:
            return open_label(self._sessions.tickets, row)
        except SessionError:
            return None


class CookieAdmin:
    """Ends sessions that are in cookies, in the store of revocations."""

    def __init__(self, settings: Settings, world: World, components: Components) -> None:
        self._settings, self._world, self._components = settings, world, components

    def list(self, selected: Selected) -> Listed:
        """Refuse, because only the browsers have the sessions."""
        raise CommandError(
            "the sessions are in cookies (session_store = cookie), in the browsers alone, so they cannot be "
            "listed or counted; with a session_store they can"
        )

    def count(self, selected: Selected) -> Counted:
        """Refuse, as `list` does."""
        self.list(selected)
        raise AssertionError

    def end(self, selected: Selected) -> Ended:
        """Record in the store that the sessions have ended."""
        sessions, value = self._components.sessions, selected.value
        now = _now()
        match selected.kind:
            case "subject":
                step = sessions.end_at_provider(subject=value, sid="")
            case "sid":
                step = sessions.end_at_provider(subject="", sid=value)
            case "session":
                step = sessions.end(Session(Identity(self._settings.issuer, "", session_id=value), now, now))
            case _:
                raise CommandError(
                    f"sessions in cookies cannot be found by --{selected.kind}; write --subject, --sid or --session, "
                    "or replace cookie_secret, which ends all of them"
                )
        assert self._world.store is not None
        with _explained():
            run(step, self._world, lambda limit: b"", in_lanes=False)
        time.sleep(self._world.store.lag_seconds)
        return Ended(None)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a failure of the store into an error of the command."""
    try:
        yield
    except Unavailable as error:
        raise CommandError(f"the store does not answer: {error}; perhaps no session has ended") from error


def _now() -> int:
    return int(time.time())


def _shown(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
