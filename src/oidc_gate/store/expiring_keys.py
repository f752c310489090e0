"""Expiring keys in memory: codes that were used, and sessions that were ended."""

from __future__ import annotations

import heapq
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence

log = logging.getLogger("oidc_gate.marks")

MAX_KEYS = 65_536  # about 23 MB of each kind


class MemoryKeys:
    """Expiring keys of this process. It is safe under threads.

    Args:
        limit: The maximum number of keys of one kind, so that a client that can cause many keys of one kind (a
            front-channel logout is not authenticated) pushes out no keys of another.
    """

    blocks = False

    def __init__(self, limit: int = MAX_KEYS) -> None:
        self._limit = limit
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def has(self, kinds: Sequence[str]) -> bool:
        """Return whether there may be keys of one of `kinds`."""
        return not self._buckets.keys().isdisjoint(kinds)

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new."""
        kind = _kind_of(key)
        bucket = self._buckets.get(kind) or self._buckets.setdefault(kind, _Bucket(self._limit))
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


class _Bucket:
    """The keys of one kind, at most `limit`. If there is no room, expired keys are removed first, then the oldest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        # key: (at, until), oldest `at` first
        self._entries: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._ends: list[tuple[int, str]] = []  # heap of (until, key); an entry may be out of date
        self._warned_at = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new."""
        if until <= now:
            return self.last_seen((key,), now) is None
        with self._lock:
            self._drop_ended(now)
            before = self._entries.pop(key, None)
            until = max(until, before[1]) if before else until
            self._entries[key] = (now, until)
            if before is None or before[1] != until:
                heapq.heappush(self._ends, (until, key))
            if len(self._entries) > self._limit:
                self._drop_oldest(now)
            if len(self._ends) > 2 * self._limit:
                self._ends = [(entry[1], name) for name, entry in self._entries.items()]
                heapq.heapify(self._ends)
            return before is None

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return the epoch second when the newest of `keys` was last stored, or None if there is none."""
        if not self._entries:
            return None
        with self._lock:
            found = [entry for key in keys if (entry := self._entries.get(key)) is not None]
        return max((at for at, until in found if until > now), default=None)

    def _drop_ended(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            end, key = heapq.heappop(self._ends)
            entry = self._entries.get(key)
            if entry is not None and entry[1] == end:
                del self._entries[key]

    def _drop_oldest(self, now: int) -> None:
        self._entries.popitem(last=False)
        if now - self._warned_at >= 60:
            self._warned_at = now
            log.warning(
                "more than %d keys in memory: the oldest are removed, so a sign-out may not reach "
                "every session; a shared session_store has no such limit",
                self._limit,
            )
