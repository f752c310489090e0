"""The cache of opened cookies, in which every request of a signed-in user performs one look-up.

It is one plain dict: a look-up takes no lock and writes nothing. If there is no room, the oldest entries are removed.
They are also the first to become useless, because a cookie is valid here only until its session is due for renewal, a
tenth of the idle time after it was written, when the browser gets a new cookie. While all entries are still useful,
only one of eight new cookies replaces the oldest. If each did, and there were more users than the cache has room for,
new cookies would displace each other, and no look-up would succeed any more.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Kept(Protocol):
    """What the cache needs of an entry, which is an `oidc_gate.session.admissions.Admission`."""

    @property
    def until(self) -> int:
        """Return the epoch second from which on the entry is useless."""

    @property
    def end_key(self) -> str | bytes:
        """Return the key under which the end of the cookie's session is reported."""

    @property
    def size(self) -> int:
        """Return an upper bound of the memory that the entry takes, in bytes."""


Entry = TypeVar("Entry", bound=Kept)

ADMIT_ONE_IN = 8
"""If the cache is full of useful entries, one of this number of new cookies is stored."""
MAX_COOKIES = 8
"""How many cookies of one session are kept. A browser has one, and a second one during a renewal."""
_EVICTION_FRACTION = 64
"""One of this number of entries is removed at a time, so that the oldest has to be searched for only once."""


class SessionCache(Generic[Entry]):
    """A cache that is limited in entries and in bytes. It is safe under threads.

    Args:
        max_entries: The maximum number of cookies.
        max_bytes: The maximum memory that they take.

    Attributes:
        get: Returns the entry for this exact cookie value, or None. It is the dict's own method, because one more call
            would be noticeable. Not checked here: whether the entry has expired.
        generation: A number that changes with every end of a session.
        listeners: Functions that are called after each end of a session with its `Kept.end_key`, or with None if any
            session may have ended. They must not block.
    """

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[str, Entry] = {}
        self._cookies_of: dict[str | bytes, tuple[str, ...]] = {}  # by session, oldest first
        self._bytes = 0
        self._oldest_until = 0
        self._rejected = 0
        self._lock = Lock()
        self.get: Callable[[str], Entry | None] = self._entries.get
        self.generation = 0
        self.listeners: list[Callable[[str | bytes | None], None]] = []

    def put(self, cookie: str, entry: Entry, generation: int, now: int) -> None:
        """Store the entry for a cookie, if there is room, or if it is its turn to replace others.

        Args:
            generation: The value of `generation` before the session was read. If sessions were revoked since then,
                nothing is stored, because this session may be one of them.
            now: The time in epoch seconds.
        """
        with self._lock:
            if generation != self.generation or entry.size > self._max_bytes:
                return
            others = self._cookies_of.get(entry.end_key, ())
            if cookie in self._entries:
                self._drop(cookie)
            elif len(others) >= MAX_COOKIES:  # otherwise one session could fill the whole cache
                self._drop(others[0])
            if len(self._entries) >= self._max_entries or self._bytes + entry.size > self._max_bytes:
                if not self._should_evict(now):
                    return
                self._evict_for(entry)
            self._oldest_until = self._oldest_until or entry.until
            self._entries[cookie] = entry
            self._cookies_of[entry.end_key] = (*self._cookies_of.get(entry.end_key, ()), cookie)
            self._bytes += entry.size

    def forget(self, end_key: str | bytes) -> None:
        """Remove every cookie of one session, which has ended."""
        self.drop(end_key)
        self._report(end_key)

    def drop(self, end_key: str | bytes) -> None:
        """Remove every cookie of one session, which has changed and not ended."""
        with self._lock:
            self.generation += 1
            for cookie in self._cookies_of.get(end_key, ()):
                self._drop(cookie)

    def clear(self) -> None:
        """Remove every cookie. Each is opened again, and its revocation checked, when it next arrives."""
        with self._lock:
            self.generation += 1
            self._entries.clear()
            self._cookies_of.clear()
            self._bytes = self._oldest_until = 0
        self._report(None)

    def _report(self, end_key: str | bytes | None) -> None:
        for listener in self.listeners:
            listener(end_key)

    def _should_evict(self, now: int) -> bool:
        """Return whether the oldest entries must go: they are useless, or enough new cookies were not stored."""
        self._rejected += 1
        if now < self._oldest_until and self._rejected < ADMIT_ONE_IN * self._batch:
            return False
        self._rejected = 0
        return True

    def _evict_for(self, entry: Entry) -> None:
        while len(self._entries) >= self._max_entries or self._bytes + entry.size > self._max_bytes:
            for cookie in list(islice(self._entries, self._batch)):
                self._drop(cookie)
        # Removed keys leave gaps in a dict, so the oldest entry is not searched for in between.
        self._oldest_until = next((entry.until for entry in self._entries.values()), 0)

    @property
    def _batch(self) -> int:
        return len(self._entries) // _EVICTION_FRACTION + 1

    def _drop(self, cookie: str) -> None:
        entry = self._entries.pop(cookie)
        others = tuple(each for each in self._cookies_of.pop(entry.end_key) if each != cookie)
        if others:
            self._cookies_of[entry.end_key] = others
        self._bytes -= entry.size

    @property
    def size(self) -> int:
        """Return an upper bound of the memory that all entries take, in bytes."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)
