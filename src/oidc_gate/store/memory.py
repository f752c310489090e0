"""A store in the memory of one process, for tests and for services that may lose all sessions at a restart."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from itertools import chain

from .base import GRACE_SECONDS, Added, ExpiringKey, Lease, OnEnds, Page, Row, Selector, View

MAX_KEYS_OF_A_KIND = 65_536
SWEEP_SECONDS = 60


class MemoryStore:
    """Sessions in this process. Ends are reported to every view before `end` returns.

    Args:
        max_keys: The maximum number of expiring keys of one kind. Beyond it, the oldest are removed.
        monotonic: Seconds by a clock that does not step.
    """

    blocks = False
    lag_seconds = 0.0

    def __init__(
        self, *, max_keys: int = MAX_KEYS_OF_A_KIND, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._rows: dict[bytes, Row] = {}
        self._by_index: dict[bytes, set[bytes]] = {}
        self._kinds: dict[str, dict[bytes, tuple[int, int]]] = {}  # by kind and name: when added, until when
        self._leases: dict[bytes, tuple[bytes, float]] = {}
        self._views: set[_MemoryView] = set()
        self._max_keys, self._monotonic = max_keys, monotonic
        self._born_at: int | None = None
        self._sweep_at = 0

    def open(self, key: bytes, now: int) -> Row | None:
        """Return the row of `key` unless it is over."""
        row = self._rows.get(key)
        return None if row is None or row.is_over(now) else row

    def put(self, row: Row, expected_version: int, now: int) -> bool:
        """Write `row` if the one that is there has `expected_version`."""
        with self._lock:
            self._sweep(now)
            before = self._rows.get(row.key)
            if expected_version != (before.version if before else 0):
                return False
            if before:
                self._drop(before)
                row = row._replace(
                    last_seen=max(row.last_seen, before.last_seen),
                    leaves_at=max(row.leaves_at, before.leaves_at),
                )
            self._rows[row.key] = row
            for index in row.indexes:
                self._by_index.setdefault(index, set()).add(row.key)
            return True

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        """Move both times of a row forward."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.is_over(now):
                return False
            self._rows[key] = row._replace(
                last_seen=max(row.last_seen, last_seen), leaves_at=max(row.leaves_at, leaves_at)
            )
            return True

    def end(self, selector: Selector, now: int) -> int:
        """Delete rows and report them to every view."""
        with self._lock:
            keys = self._keys(selector)
            rows = [row for key in keys if (row := self._rows.get(key))]
            for row in rows:
                self._drop(row)
            views = tuple(self._views)
        _report(views, None if selector.everything else tuple(keys))
        return sum(not row.is_over(now) for row in rows)

    def find(self, selector: Selector, now: int, after: bytes = b"", limit: int = 200) -> Page:
        """Return rows without their bodies, in the order of their keys."""
        with self._lock:
            keys = sorted(key for key in self._keys(selector) if key > after)
            found = [row for key in keys[:limit] if (row := self._rows.get(key)) and not row.is_over(now)]
        following = keys[limit - 1] if len(keys) > limit else b""
        return Page(tuple(row._replace(body=b"") for row in found), following)

    def count(self, selector: Selector, now: int) -> int:
        """Return how many sessions there are."""
        with self._lock:
            rows = [self._rows.get(key) for key in self._keys(selector)]
        return sum(row is not None and not row.is_over(now) for row in rows)

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        """Keep `key` until `until`; return whether it was new."""
        with self._lock:
            self._born_at = self._born_at or now
            kept = self._kinds.setdefault(key.kind, {})
            at, kept_until = kept.pop(key.name, (0, 0))
            is_new = kept_until <= now
            if max(until, kept_until) > now:
                kept[key.name] = (max(now, at), max(until, kept_until))
            if len(kept) > self._max_keys:
                self._make_room(kept, now)
            views = tuple(self._views) if announce else ()
        _report(views, (key.name,))
        return is_new

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        """Return when the newest of `keys` was added."""
        with self._lock:
            self._born_at = self._born_at or now
            kept = [self._kinds.get(key.kind, {}).get(key.name, (0, 0)) for key in keys]
            return Added(max((at for at, until in kept if until > now), default=None), self._born_at)

    def lease(self, name: bytes, ttl_seconds: float) -> Lease | None:
        """Take the lease `name` if no other holder has it."""
        with self._lock:
            now = self._monotonic()
            self._leases = {held: lease for held, lease in self._leases.items() if lease[1] > now}
            if name in self._leases:
                return None
            lease = Lease(name, os.urandom(16))
            self._leases[name] = (lease.token, now + ttl_seconds)
            return lease

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        """Hold `lease` for another `ttl_seconds`."""
        with self._lock:
            now = self._monotonic()
            token, until = self._leases.get(lease.name, (b"", 0.0))
            if token != lease.token or until <= now:
                return False
            self._leases[lease.name] = (token, now + ttl_seconds)
            return True

    def release(self, lease: Lease) -> None:
        """Release `lease`."""
        with self._lock:
            if self._leases.get(lease.name, (b"", 0.0))[0] == lease.token:
                del self._leases[lease.name]

    def view(self, on_ends: OnEnds) -> View:
        """Return a view, which is always current."""
        view = _MemoryView(on_ends, self._views)
        with self._lock:
            self._views.add(view)
        return view

    def check(self, now: int) -> tuple[str, ...]:
        """Return nothing: there is nothing to correct."""
        return ()

    def describe(self) -> str:
        """Return the kind of this store."""
        return "the memory of this process"

    def close(self) -> None:
        """Remove every view."""
        with self._lock:
            self._views.clear()

    def _keys(self, selector: Selector) -> set[bytes]:
        if selector.everything:
            return set(self._rows)
        return set(selector.keys).union(*(self._by_index.get(index, ()) for index in selector.indexes))

    def _drop(self, row: Row) -> None:
        del self._rows[row.key]
        for index in row.indexes:
            keys = self._by_index.get(index, set())
            keys.discard(row.key)
            if not keys:
                self._by_index.pop(index, None)

    def _sweep(self, now: int) -> None:
        """Remove rows and keys that have expired, once in `SWEEP_SECONDS`."""
        if abs(now - self._sweep_at) < SWEEP_SECONDS:
            return
        self._sweep_at = now
        for row in [row for row in self._rows.values() if row.is_over(now - GRACE_SECONDS)]:
            self._drop(row)

    @staticmethod
    def _make_room(kept: dict[bytes, tuple[int, int]], now: int) -> None:
        over = [name for name, (_, until) in kept.items() if until <= now]
        for name in chain(over, [] if over else [next(iter(kept))]):
            del kept[name]


class _MemoryView:
    def __init__(self, on_ends: OnEnds, views: set[_MemoryView]) -> None:
        self.on_ends, self._views = on_ends, views

    def is_current(self) -> bool:
        return True

    def catch_up(self) -> bool:
        return True

    def close(self) -> None:
        self._views.discard(self)


def _report(views: tuple[_MemoryView, ...], keys: tuple[bytes, ...] | None) -> None:
    for view in views:
        view.on_ends(keys)
