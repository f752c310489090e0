"""A session store of your own in 150 lines, for any database that can compare and swap one value.

`Table` stands for the database. A document store, a key-value store or one table of an SQL database has these three
operations. A real one raises `unavailable(...)` when it does not answer in time. tests/examples/test_own_store.py
runs the contract on it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from oidc_gate.store.base import (
    GRACE_SECONDS,
    Added,
    ExpiringKey,
    Lease,
    OnEnds,
    Page,
    Row,
    Selector,
    View,
)
from oidc_gate.store.polling import Announced, PollingView

Value = tuple[object, ...]


class Table:
    """The database: named values, of which one at a time is compared and swapped."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Value | None:
        """Return a value."""
        return self._values.get(name)

    def swap(self, name: str, old: Value | None, new: Value | None) -> bool:
        """Write `new` if the value is `old`; None stands for no value."""
        with self._lock:
            if self._values.get(name) != old:
                return False
            if new is None:
                self._values.pop(name, None)
            else:
                self._values[name] = new
            return True

    def names(self, prefix: str, after: str = "") -> list[str]:
        """Return the names that begin with `prefix`, in order."""
        with self._lock:
            return sorted(name for name in self._values if name.startswith(prefix) and name > after)


class TableStore:
    """Sessions in a `Table`."""

    blocks = True

    def __init__(self, table: Table, *, lag_seconds: float = 1.0) -> None:
        self._table, self.lag_seconds = table, lag_seconds
        self._views: list[PollingView] = []

    def open(self, key: bytes, now: int) -> Row | None:
        row = self._read(key)
        return None if row is None or row.is_over(now) else row

    def put(self, row: Row, expected_version: int, now: int) -> bool:
        for index in row.indexes:  # first: a row without its indexes could not be ended by them
            self._change(f"index/{index.hex()}/{row.key.hex()}", lambda old: (row.expires_at,))

        def write(old: Row | None) -> Row | None:
            if expected_version != (old.version if old else 0):
                return None
            return _latest(row, old) if old else row

        return self._change_row(row.key, write)

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        def move(old: Row | None) -> Row | None:
            if old is None or old.is_over(now):
                return None
            return _latest(old._replace(last_seen=last_seen, leaves_at=leaves_at), old)

        return self._change_row(key, move)

    def end(self, selector: Selector, now: int) -> int:
        ended = 0
        keys = self._keys(selector)
        for key in keys:
            row = self._read(key)
            self._change(f"row/{key.hex()}", lambda old: None)
            ended += row is not None and not row.is_over(now)
        self._announce([b""] if selector.everything else keys)
        return ended

    def find(self, selector: Selector, now: int, after: bytes = b"", limit: int = 200) -> Page:
        keys = sorted(key for key in self._keys(selector) if key > after)
        rows = [self.open(key, now) for key in keys[:limit]]
        found = tuple(row._replace(body=b"") for row in rows if row)
        return Page(found, keys[limit - 1] if len(keys) > limit else b"")

    def count(self, selector: Selector, now: int) -> int:
        return sum(self.open(key, now) is not None for key in self._keys(selector))

    # A view asks for the log of ends several times in `lag_seconds`.

    def view(self, on_ends: OnEnds) -> View:
        self._views.append(PollingView(self._announced, on_ends, self.lag_seconds, "reader of ends"))
        return self._views[-1]

    def _announced(self, position: bytes | None, wait_seconds: float) -> Announced:
        names = self._table.names("log/", "" if position is None else position.decode())
        newest = names[-1].encode() if names else position or b""
        if position is None:
            return Announced(newest)
        keys = tuple(key for name in names for key in (self._table.get(name) or ()) if isinstance(key, bytes))
        return Announced(newest, None if b"" in keys else keys)

    def _announce(self, keys: Sequence[bytes]) -> None:
        while not self._table.swap(f"log/{self._next():016}", None, tuple(keys)):
            pass  # another process took that number

    def _next(self) -> int:
        names = self._table.names("log/")
        return int(names[-1].removeprefix("log/")) + 1 if names else 1

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        self._born_at(now)
        was_new = False

        def add(old: Value | None) -> Value | None:
            nonlocal was_new
            at, kept_until = old or (0, 0)
            was_new = int(str(kept_until)) <= now
            return (max(int(str(at)), now), max(int(str(kept_until)), until))

        self._change(f"kept/{key.kind}/{key.name.hex()}", add)
        if announce:
            self._announce([key.name])
        return was_new

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        values = [self._table.get(f"kept/{key.kind}/{key.name.hex()}") for key in keys]
        found = [int(str(value[0])) for value in values if value and int(str(value[1])) > now]
        return Added(max(found, default=None), self._born_at(now))

    def _born_at(self, now: int) -> int:
        self._table.swap("born", None, (now,))
        (born_at,) = self._table.get("born") or (now,)
        return int(str(born_at))

    # Use the database's own clock here if several machines share it.

    def lease(self, name: bytes, ttl_seconds: float) -> Lease | None:
        lease, now = Lease(name, os.urandom(16)), time.monotonic()
        old = self._table.get(f"lease/{name.hex()}")
        is_free = old is None or float(str(old[1])) <= now
        taken = is_free and self._table.swap(f"lease/{name.hex()}", old, (lease.token, now + ttl_seconds))
        return lease if taken else None

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        name, now = f"lease/{lease.name.hex()}", time.monotonic()
        old = self._table.get(name)
        is_held = old is not None and old[0] == lease.token and float(str(old[1])) > now
        return is_held and self._table.swap(name, old, (lease.token, now + ttl_seconds))

    def release(self, lease: Lease) -> None:
        name = f"lease/{lease.name.hex()}"
        old = self._table.get(name)
        if old and old[0] == lease.token:
            self._table.swap(name, old, None)

    def check(self, now: int) -> tuple[str, ...]:
        self._born_at(now)
        return ()

    def describe(self) -> str:
        return "a table"

    def close(self) -> None:
        for view in self._views:
            view.close()

    def sweep(self, now: int) -> None:
        """Delete what left long ago. Call it now and then, or let the database do it by a time to live."""
        for name in self._table.names("row/"):
            row = self._read(bytes.fromhex(name.removeprefix("row/")))
            if row and row.is_over(now - GRACE_SECONDS):
                self._change(name, lambda old: None)

    def _keys(self, selector: Selector) -> list[bytes]:
        prefixes = [f"index/{index.hex()}/" for index in selector.indexes]
        names = self._table.names("row/") if selector.everything else []
        names += [name for prefix in prefixes for name in self._table.names(prefix)]
        return list({*selector.keys, *(bytes.fromhex(name.rpartition("/")[2]) for name in names)})

    def _read(self, key: bytes) -> Row | None:
        value = self._table.get(f"row/{key.hex()}")
        return None if value is None else _decode(key, value)

    def _change(self, name: str, change: Callable[[Value | None], Value | None]) -> None:
        while True:
            old = self._table.get(name)
            if self._table.swap(name, old, change(old)):
                return

    def _change_row(self, key: bytes, change: Callable[[Row | None], Row | None]) -> bool:
        """Write what `change` makes of a row, unless that is None; return whether something was written."""
        name = f"row/{key.hex()}"
        while True:
            old = self._table.get(name)
            new = change(None if old is None else _decode(key, old))
            if new is None:
                return False
            if self._table.swap(name, old, _encode(new)):
                return True


def _latest(row: Row, old: Row) -> Row:
    return row._replace(
        last_seen=max(row.last_seen, old.last_seen), leaves_at=max(row.leaves_at, old.leaves_at)
    )


def _encode(row: Row) -> Value:
    return tuple(row[1:])


def _decode(key: bytes, value: Value) -> Row:
    return Row._make((key, *value))
