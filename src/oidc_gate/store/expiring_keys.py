"""Marks: keys that are remembered for a while. What was used up, and what was signed out."""

from __future__ import annotations

import heapq
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence

log = logging.getLogger("oidc_gate.marks")

MAX_MARKS = 65_536


class MemoryMarks:
    """Marks of this process alone. Safe under threads.

    Args:
        limit: The most marks of one kind. So whoever can make many marks of one kind (a front-channel logout
            needs no proof) crowds out none of another.
    """

    blocks = False

    def __init__(self, limit: int = MAX_MARKS) -> None:
        self._limit = limit
        self._rooms: dict[str, _Room] = {}

    def __len__(self) -> int:
        return sum(map(len, self._rooms.values()))

    def has(self, kinds: Sequence[str]) -> bool:
        """Tell whether marks of one of `kinds` may be there."""
        return not self._rooms.keys().isdisjoint(kinds)

    def remember(self, key: str, until: int, now: int) -> bool:
        """Keep `key` until the epoch second `until`; tell whether it was new."""
        kind = _kind_of(key)
        room = self._rooms.get(kind) or self._rooms.setdefault(kind, _Room(self._limit))
        return room.remember(key, until, now)

    def recall(self, keys: Sequence[str], now: int) -> int | None:
        """Return when the newest of `keys` was last remembered, epoch seconds; None if none is."""
        rooms = {kind: self._rooms[kind] for key in keys if (kind := _kind_of(key)) in self._rooms}
        found = [at for room in rooms.values() if (at := room.recall(keys, now)) is not None]
        return max(found, default=None)


def _kind_of(key: str) -> str:
    """Return what stands before the first NUL; keys without one are one kind, or nobody would bound their rooms."""
    kind, nul, _ = key.partition("\0")
    return kind if nul else ""


class _Room:
    """The marks of one kind, at most `limit` of them. When it is full, what is over goes first, then the oldest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._marks: OrderedDict[str, tuple[int, int]] = OrderedDict()  # key: (at, until), oldest `at` first
        self._ends: list[tuple[int, str]] = []  # heap of (until, key); an entry may be out of date
        self._warned_at = 0

    def __len__(self) -> int:
        return len(self._marks)

    def remember(self, key: str, until: int, now: int) -> bool:
        """Keep `key` until the epoch second `until`; tell whether it was new."""
        if until <= now:
            return self.recall((key,), now) is None
        with self._lock:
            self._drop_ended(now)
            before = self._marks.pop(key, None)
            until = max(until, before[1]) if before else until
            self._marks[key] = (now, until)
            if before is None or before[1] != until:
                heapq.heappush(self._ends, (until, key))
            if len(self._marks) > self._limit:
                self._drop_oldest(now)
            if len(self._ends) > 2 * self._limit:
                self._ends = [(mark[1], name) for name, mark in self._marks.items()]
                heapq.heapify(self._ends)
            return before is None

    def recall(self, keys: Sequence[str], now: int) -> int | None:
        """Return when the newest of `keys` was last remembered, epoch seconds; None if none is."""
        if not self._marks:
            return None
        with self._lock:
            found = [mark for key in keys if (mark := self._marks.get(key)) is not None]
        return max((at for at, until in found if until > now), default=None)

    def _drop_ended(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            end, key = heapq.heappop(self._ends)
            mark = self._marks.get(key)
            if mark is not None and mark[1] == end:
                del self._marks[key]

    def _drop_oldest(self, now: int) -> None:
        self._marks.popitem(last=False)
        if now - self._warned_at >= 60:
            self._warned_at = now
            log.warning(
                "more than %d marks in memory: the oldest are forgotten, so a sign-out may not reach "
                "every session; a session_store that is shared has no such limit",
                self._limit,
            )
