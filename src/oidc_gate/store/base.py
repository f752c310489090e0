"""The contract of session stores, which keep sessions on the server and announce their ends.

A store only sees bytes. What identifies a user is an HMAC, and the content of a session is sealed before it arrives
here (`oidc_gate.session.ticket`), so a stolen store opens no session.

Every method may block and is called in a thread. A method that needs a network or a disk returns or raises within
`DEADLINE_SECONDS`; a failure is a `StoreUnavailable`. Only `View.is_current` is called for every request: it must not
block, and should take less than a microsecond.

Times are epoch seconds and are passed as `now`, so that tests can set them. Leases and deadlines are measured with a
monotonic clock.

`docs/stores.md` describes how to write a store; `oidc_gate.testing.store_contract` tests one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..errors import StoreUnavailable

KEY_BYTES = 32
"""The size of a row's key (a SHA-256) and of an index (an HMAC-SHA-256)."""

DEADLINE_SECONDS = 2.0
"""How long a call may take before it fails."""

GRACE_SECONDS = 2 * 3600
"""How much longer than needed a row is kept, so that a wall clock that steps forward and back loses no session."""


def unavailable(detail: str) -> StoreUnavailable:
    """Return the error for a store that cannot perform an operation.

    `detail` is for the log and contains no password.
    """
    message = "Sessions cannot be looked up at the moment."
    return StoreUnavailable("store_unavailable", message, detail=detail)


class StoreURLError(ValueError):
    """A URL, or a place that it names, that cannot be used as a store.

    Args:
        what: What is wrong. It never contains a password.
        instead: What to write instead.
    """

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what}; {instead}")
        self.what, self.instead = what, instead


class Row(NamedTuple):
    """One session as a store sees it.

    Attributes:
        key: SHA-256 of the session's id, `KEY_BYTES` long.
        version: 1 for a new row, and one more each time that `Store.put` replaces it.
        expires_at: The absolute end of the session. It never moves to a later time.
        leaves_at: The end of the session unless `Store.touch` moves it: the absolute end or the end of the idle time,
            whichever comes first. A store does not return the row after this time.
        last_seen: When the last request came.
        indexes: HMACs of `KEY_BYTES` each, by which the session can be found without its key: of the user, of the
            session at the provider, of the e-mail address.
        label: For ``oidc-gate sessions list``; sealed.
        body: The session; sealed.
    """

    key: bytes
    version: int
    expires_at: int
    leaves_at: int
    last_seen: int
    indexes: tuple[bytes, ...] = ()
    label: bytes = b""
    body: bytes = b""

    def is_over(self, now: int) -> bool:
        """Return whether no request may use this row any more."""
        return now >= min(self.expires_at, self.leaves_at)

    def __repr__(self) -> str:
        return f"Row({self.key[:4].hex()}, version={self.version}, leaves_at={self.leaves_at})"


class Selector(NamedTuple):
    """A selection of sessions: those with one of `keys`, and those with one of `indexes`; or `everything`."""

    keys: tuple[bytes, ...] = ()
    indexes: tuple[bytes, ...] = ()
    everything: bool = False


EVERYTHING = Selector(everything=True)


class Page(NamedTuple):
    """Some of the requested rows, without their bodies.

    Attributes:
        rows: The rows; possibly none although more follow.
        next: The value of `after` for the rows that follow; empty at the end.
    """

    rows: tuple[Row, ...]
    next: bytes


class Lease(NamedTuple):
    """The exclusive right to do something, until it expires.

    Attributes:
        name: Its purpose.
        token: A random value that distinguishes this holder from the next one.
    """

    name: bytes
    token: bytes


class ExpiringKey(NamedTuple):
    """A key that is kept until some time.

    Attributes:
        kind: Each kind has a limit of its own, so that a client that can add many keys of one kind removes no keys of
            another.
        name: At most 64 bytes.
    """

    kind: str
    name: bytes


class Added(NamedTuple):
    """The result of looking for some expiring keys.

    Attributes:
        at: When the newest of them was added; None if there is none.
        born_at: Since when the store has its data. A session without a row that started earlier must be refused,
            because the store may have lost the record of its end.
    """

    at: int | None
    born_at: int


OnEnds = Callable[[tuple[bytes, ...] | None], None]
"""Called with the keys of rows that were ended and with the names of expiring keys that were announced, or with None
if they are not known, which means: any of them. It must not block and must not call the store. It may be called from
any thread, more than once for the same key, and for keys that this process has never seen."""


class View(Protocol):
    """Reports the ends of sessions to one process."""

    def is_current(self) -> bool:
        """Return whether every end that must be known by now has been reported. It does not block."""

    def catch_up(self) -> bool:
        """Report the ends that have not been reported, and return whether the view is current then.

        It may wait, though much less than `DEADLINE_SECONDS`, and never raises an exception. As long as it returns
        False, no cached session may be used, and each row must be read again.
        """

    def close(self) -> None:
        """Stop reporting ends, and release all resources."""


class Store(Protocol):
    """Keeps sessions. Safe to use from many threads, and from many processes if it is not in memory.

    Attributes:
        blocks: Whether a call may wait for a network or a disk.
        lag_seconds: How long after `end` has returned a `View` of another process may still be current without having
            reported that end.
    """

    blocks: bool
    lag_seconds: float

    def open(self, key: bytes, now: int) -> Row | None:
        """Return the row of `key`, or None if there is none or if it is over. One round trip."""

    def put(self, row: Row, expected_version: int, now: int) -> bool:
        """Write `row` if the stored row has `expected_version`, and return whether it was written.

        Args:
            row: Its version is `expected_version` + 1. Its `last_seen` and `leaves_at` never move the stored ones back.
            expected_version: 0 if there must be no row.
            now: Epoch seconds.

        A row that was ended is never written again by a holder of an older version.
        """

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        """Move both times of a row forward, never back, and return whether there was one.

        The version does not change.
        """

    def end(self, selector: Selector, now: int) -> int:
        """Delete rows, announce their keys to every `View`, and return how many rows there were.

        Keys that are given are announced even if there is no such row, because an earlier attempt may have failed
        half-way.
        """

    def find(self, selector: Selector, now: int, after: bytes = b"", limit: int = 200) -> Page:
        """Return about `limit` rows without their bodies, continuing after the previous page.

        A row that is added or removed in the meantime may be missing, and a row may be returned twice.
        """

    def count(self, selector: Selector, now: int) -> int:
        """Return how many sessions there are."""

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        """Keep `key` until `until`, and return whether it was new. Of several concurrent callers, one gets True.

        A key that is stored already is kept until the later of both times, and counts as added at `now`.

        Args:
            key: The key.
            until: Epoch seconds.
            now: Epoch seconds.
            announce: Whether to report the key's name to every `View`, as `end` does.
        """

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        """Return when the newest of `keys` was added, and since when the store has its data. One round trip."""

    def lease(self, name: bytes, ttl_seconds: float) -> Lease | None:
        """Take the lease `name` if no other holder has it. It expires after `ttl_seconds`, at most 60."""

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        """Hold `lease` for another `ttl_seconds`, or return False if it was lost.

        If a holder was paused for longer than its lease, `put` refuses its write, because the next holder has changed
        the version.
        """

    def release(self, lease: Lease) -> None:
        """Release `lease`, if it is still held."""

    def view(self, on_ends: OnEnds) -> View:
        """Return a new view for this process, which calls `on_ends`. It does not block and is not current at first."""

    def check(self, now: int) -> tuple[str, ...]:
        """Return what the operator must correct, as sentences; an empty tuple if there is nothing.

        Raises:
            StoreUnavailable: The store does not answer.
        """

    def describe(self) -> str:
        """Return the kind and the place of this store, for the log. It never contains a password."""

    def close(self) -> None:
        """Close connections and end threads. A call after that may open new ones."""
