"""Cookies recognised a moment ago: the one thing that the path of a signed-in request looks up.

Two generations of a plain dict: a look-up takes no lock, an entry that is used moves to the young one, and
when the young one is full the old one is dropped whole. So the bounds hold, what is in use stays, and nothing
is written for a hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Told = TypeVar("Told")


@dataclass(slots=True)
class Known(Generic[Told]):
    """A cookie that was opened, and what follows from it until `until`.

    Args:
        until: From this epoch second on the cookie must be looked at anew: the session ends, or its idle clock
            must be wound.
        told: What the shell hands on without another question; None where the settings refuse this person.
        size: An upper bound of the memory this takes, in bytes.
    """

    until: int
    told: Told | None
    size: int


class SessionCache(Generic[Told]):
    """Bounded in entries and in bytes; safe under threads.

    Args:
        max_entries, max_bytes: Of both generations together; the bytes are an upper bound.
    """

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._most_entries = max(max_entries // 2, 1)
        self._most_bytes = max(max_bytes // 2, 1)
        self._young: dict[str, Known[Told]] = {}
        self._old: dict[str, Known[Told]] = {}
        self._young_bytes = 0
        self._lock = Lock()
        self.generation = 0

    def get(self, cookie: str) -> Known[Told] | None:
        """Return what is known of this exact cookie value."""
        known = self._young.get(cookie)
        if known is not None:
            return known
        generation = self.generation  # before the look-up, or a sign-out in between would be undone
        known = self._old.get(cookie)
        if known is not None:
            self.put(cookie, known, generation)
        return known

    def put(self, cookie: str, known: Known[Told], generation: int) -> None:
        """Keep what was found out about a cookie.

        Args:
            generation: `generation` as it was before the session was looked at. If sessions were revoked
                since, nothing is kept: this one may be among them.
        """
        size = known.size + len(cookie)
        with self._lock:
            if generation != self.generation or size > self._most_bytes:
                return
            if len(self._young) >= self._most_entries or self._young_bytes + size > self._most_bytes:
                self._old, self._young, self._young_bytes = self._young, {}, 0
            if cookie not in self._young:
                self._young_bytes += size
            self._young[cookie] = known

    def clear(self) -> None:
        """Forget every cookie: each is opened again, and its revocation asked for again, when it next comes."""
        with self._lock:
            self._young, self._old, self._young_bytes = {}, {}, 0
            self.generation += 1  # last: whoever reads the new number finds nothing old

    def __len__(self) -> int:
        return len(self._young) + len(self._old.keys() - self._young.keys())
