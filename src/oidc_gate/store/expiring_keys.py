"""Expiring keys in memory: codes that were used, and sessions that were ended.

A key counts until an epoch second. It is removed once its time has also passed by a clock that does not step: if the
wall clock jumps far ahead and back, a session that was signed out would be admitted again.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

log = logging.getLogger("oidc_gate.marks")

MAX_KEYS = 65_536  # about 23 MB of each kind


class MemoryKeys:
    """Expiring keys of this process. It is safe under threads.

    Args:
        limit: The maximum number of keys of one kind, so that a client that can cause many keys of one kind (a
            front-channel logout is not authenticated) pushes out no keys of another.
        monotonic: Seconds by a clock that does not step.
    """

    blocks = False

    def __init__(self, limit: int = MAX_KEYS, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._monotonic = limit, monotonic
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def has(self, kinds: Sequence[str]) -> bool:
        """Return whether there may be keys of one of `kinds`."""
        return not self._buckets.keys().isdisjoint(kinds)

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new."""
        kind = _kind_of(key)
        bucket = self._buckets.get(kind) or self._buckets.setdefault(
            kind, _Bucket(self._limit, self._monotonic)
        )
        return bucket.add_once(key, until, now)

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return the epoch second when the newest of `keys` was last stored, or None if there is none."""
        buckets = {kind: self._buckets[kind] for key in keys if (kind := _kind_of(key)) in self._buckets}
        found = [at for bucket in buckets.values() if (at := bucket.last_seen(keys, now)) is not None]
        return max(found, default=None)


def _kind_of(key: str) -> str:
    """Return the part before the first NUL.

    All keys without a NUL are of one kind, so that their number is limited too.
    """
    kind, nul, _ = key.partition("\0")
    return kind if nul else ""


class _Entry(NamedTuple):
    """When a key was last stored, and until when it counts (epoch seconds), and when it may go (monotonic seconds)."""

    at: int
    until: int
    kept_until: float


class _Bucket:
    """The keys of one kind, at most `limit`. If there is no room, an expired key is removed, or else the oldest."""

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        self._limit, self._monotonic = limit, monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # oldest `at` first
        self._ends: list[tuple[int, str]] = []  # heap of (until, key); an entry may be out of date
        self._goes: list[tuple[float, str]] = []  # heap of (kept_until, key); an entry may be out of date
        self._warned_at = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new."""
        if until <= now:
            return self.last_seen((key,), now) is None
        with self._lock:
            monotonic = self._monotonic()
            self._drop_ended(now, monotonic)
            before = self._entries.pop(key, None)
            entry = _Entry(now, until, monotonic + until - now)
            if before is not None:
                entry = _Entry(now, max(until, before.until), max(entry.kept_until, before.kept_until))
            self._entries[key] = entry
            if before is None or before[1:] != entry[1:]:
                heapq.heappush(self._ends, (entry.until, key))
                heapq.heappush(self._goes, (entry.kept_until, key))
            if len(self._entries) > self._limit:
                self._make_room(now)
            if max(len(self._ends), len(self._goes)) > 2 * self._limit:
                self._ends = [(entry.until, name) for name, entry in self._entries.items()]
                self._goes = [(entry.kept_until, name) for name, entry in self._entries.items()]
                heapq.heapify(self._ends)
                heapq.heapify(self._goes)
            return before is None or before.until <= now

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return the epoch second when the newest of `keys` was last stored, or None if there is none."""
        if not self._entries:
            return None
        with self._lock:
            found = [entry for key in keys if (entry := self._entries.get(key)) is not None]
        return max((entry.at for entry in found if entry.until > now), default=None)

    def _drop_ended(self, now: int, monotonic: float) -> None:
        """Remove the keys whose time has passed by both clocks."""
        while self._goes and self._goes[0][0] <= monotonic:
            kept_until, key = heapq.heappop(self._goes)
            entry = self._entries.get(key)
            if entry is None or entry.kept_until != kept_until:
                continue
            if entry.until <= now:
                del self._entries[key]
            else:  # the wall clock was set back
                self._entries[key] = later = entry._replace(kept_until=monotonic + entry.until - now)
                heapq.heappush(self._goes, (later.kept_until, key))

    def _make_room(self, now: int) -> None:
        """Remove an expired key, or else the oldest."""
        while self._ends and self._ends[0][0] <= now:
            end, key = heapq.heappop(self._ends)
            entry = self._entries.get(key)
            if entry is not None and entry.until == end:
                del self._entries[key]
                return
        self._entries.popitem(last=False)
        if now - self._warned_at >= 60:
            self._warned_at = now
            log.warning(
                "more than %d keys in memory: the oldest are removed, so a sign-out may not reach "
                "every session; a shared session_store has no such limit",
                self._limit,
            )
