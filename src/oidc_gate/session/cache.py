"""Cookies recognised a moment ago: the one thing that the path of a signed-in request looks up.

One plain dict: a look-up takes no lock and writes nothing. When it is full, what came first goes first: that is also
what ends first, since a cookie is recognised until its session is due for renewal, a tenth of the idle time after it
was written, and then comes back as another cookie. While all that is there is still of use, one newcomer in eight
takes the place of the oldest. If each did, more people than there is room for, one after another, would push each
other out and nobody would ever be recognised.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Kept(Protocol):
    """What the cache has to know of an entry; `oidc_gate.session.admissions.Admission` is the one there is."""

    @property
    def until(self) -> int:
        """The epoch second from which on the entry is of no use."""

    @property
    def session_id(self) -> str:
        """The session to which the cookie belongs."""

    @property
    def size(self) -> int:
        """An upper bound of the memory this takes, in bytes."""


Entry = TypeVar("Entry", bound=Kept)

ADMIT_ONE_IN = 8  # one in so many
MAX_COOKIES = 8  # of one session: a browser has one, and a second while it is renewed
_EVICTION_FRACTION = 64  # of which one makes room at a time: the search for the oldest is paid for once


class SessionCache(Generic[Entry]):
    """Bounded in entries and in bytes; safe under threads.

    Args:
        max_entries: How many cookies are remembered at the most.
        max_bytes: How much memory they take at the most.

    Attributes:
        get: Returns what is known of this exact cookie value, or None. The dict's own, since a call more is what
            a signed-in request would notice. Not checked here: whether its time is over.
        generation: Changes with every revocation.
    """

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[str, Entry] = {}
        self._cookies_of: dict[str, tuple[str, ...]] = {}  # by session, the oldest first
        self._bytes = 0
        self._oldest_until = 0
        self._rejected = 0
        self._lock = Lock()
        self.get: Callable[[str], Entry | None] = self._entries.get
        self.generation = 0

    def put(self, cookie: str, entry: Entry, generation: int, now: int) -> None:
        """Keep what was found out about a cookie, if there is room, or its turn to be made room for.

        Args:
            generation: `generation` as it was before the session was looked at. If sessions were revoked
                since, nothing is kept: this one may be among them.
            now: Epoch seconds.
        """
        with self._lock:
            if generation != self.generation or entry.size > self._max_bytes:
                return
            others = self._cookies_of.get(entry.session_id, ())
            if cookie in self._entries:
                self._drop(cookie)
            elif len(others) >= MAX_COOKIES:  # or whoever has one session could fill everything with it
                self._drop(others[0])
            if len(self._entries) >= self._max_entries or self._bytes + entry.size > self._max_bytes:
                if not self._should_evict(now):
                    return
                self._evict_for(entry)
            self._oldest_until = self._oldest_until or entry.until
            self._entries[cookie] = entry
            self._cookies_of[entry.session_id] = (*self._cookies_of.get(entry.session_id, ()), cookie)
            self._bytes += entry.size

    def forget(self, session_id: str) -> None:
        """Forget every cookie of one session, since it was revoked."""
        with self._lock:
            self.generation += 1
            for cookie in self._cookies_of.get(session_id, ()):
                self._drop(cookie)

    def clear(self) -> None:
        """Forget every cookie: each is opened again, and its revocation asked for again, when it next comes."""
        with self._lock:
            self.generation += 1
            self._entries.clear()
            self._cookies_of.clear()
            self._bytes = self._oldest_until = 0

    def _should_evict(self, now: int) -> bool:
        """Tell whether the oldest have to go: they are of no use any more, or enough newcomers were turned away."""
        self._rejected += 1
        if now < self._oldest_until and self._rejected < ADMIT_ONE_IN * self._batch:
            return False
        self._rejected = 0
        return True

    def _evict_for(self, entry: Entry) -> None:
        while len(self._entries) >= self._max_entries or self._bytes + entry.size > self._max_bytes:
            for cookie in list(islice(self._entries, self._batch)):
                self._drop(cookie)
        # What was dropped leaves gaps that a dict is walked over, so nobody looks for the oldest in between.
        self._oldest_until = next((entry.until for entry in self._entries.values()), 0)

    @property
    def _batch(self) -> int:
        return len(self._entries) // _EVICTION_FRACTION + 1

    def _drop(self, cookie: str) -> None:
        entry = self._entries.pop(cookie)
        others = tuple(each for each in self._cookies_of.pop(entry.session_id) if each != cookie)
        if others:
            self._cookies_of[entry.session_id] = others
        self._bytes -= entry.size

    @property
    def size(self) -> int:
        """An upper bound of the memory that all of it takes, in bytes."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)
