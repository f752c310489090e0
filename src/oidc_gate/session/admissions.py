"""Admissions: what is known about sessions that were recently admitted, and which requirements each of them satisfies.

`Admissions.lookup` serves every request of a signed-in user: one look-up by the exact text of the session cookie,
without cryptography, JSON or effects. A cookie that is not there is opened by `open_first_seen`, and the result is
kept until its session is due for renewal.

An admission answers for numbered requirements. Number 0 stands for the rules of the settings. Only sessions that
satisfy them are kept, so a request without further requirements needs no test. Every other number is an additional
requirement, such as the query of an ``/oauth2/auth`` location. Each session is checked once for each requirement, and
the answer is one bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..effects import ExpiringKeys
from ..errors import SessionError
from ..model import Identity
from ..settings import Settings
from .cache import SessionCache
from .lifetime import renew_at, token_ends_at
from .revocation import may_be_revoked
from .sessions import LoadedSession, Sessions

Payload = TypeVar("Payload")
Render = Callable[[LoadedSession], tuple[Payload, int]]
"""Builds what a shell keeps of a session, and returns it with its size in memory, in bytes."""


@dataclass(slots=True)
class Admission(Generic[Payload]):
    """A session that was admitted, and what follows from it until `until`.

    Args:
        until: From this epoch second on, the cookie must be opened again: the session ends, or its idle time must be
            renewed.
        since: Before this epoch second, the cookie must be opened again: the clock was set back, and the session
            starts in the future.
        payload: What the shell adds to requests without a further check.
        end_key: The key under which the end of the session is reported, which ends this admission.
        size: An upper bound of the memory that the admission takes, in bytes.
        asked: The requirements for which this session was checked, one bit each.
        met: Those of `asked` that it satisfies.
        checked_at: When the provider last confirmed the user; see `Session.checked_at`.
        loaded: The session itself, if it is in a store and requests need more of it than `payload`, such as those to
            ``/oauth2/forward``.
    """

    until: int
    payload: Payload = field(repr=False)
    end_key: str | bytes = field(repr=False)
    size: int
    asked: int = 1
    met: int = 1
    since: int = 0
    checked_at: int = 0
    loaded: LoadedSession | None = field(default=None, repr=False)

    def note(self, requirement: int, *, is_met: bool) -> None:
        """Record whether the session satisfies a requirement, for as long as the admission lasts."""
        # `met` first: another thread that sees the bit in `asked` must find the answer in `met`.
        self.met |= is_met << requirement
        self.asked |= 1 << requirement

    def meets(self, requirement: int) -> bool | None:
        """Return whether the session satisfies a requirement, or None if that was not checked yet."""
        return bool(self.met >> requirement & 1) if self.asked >> requirement & 1 else None


class Admissions(Generic[Payload]):
    """The admissions of one gate. It is safe under threads.

    Args:
        refuses: Returns the name of the rule that refuses an identity, or None.
        cache: The cache in which admissions are kept. Several gates may share it.

    Attributes:
        lookup: Returns the admission for this exact cookie value, or None. It is the method of the cache's own dict,
            because one more call would be noticeable. Not checked here: `Admission.since` and `Admission.until`.
        seen: Called with each session that is read from a cookie for the first time, or renewed, so that the end of
            the idle time of its open streams is moved.
    """

    def __init__(
        self,
        sessions: Sessions,
        cache: SessionCache[Admission[Payload]],
        settings: Settings,
        *,
        refuses: Callable[[Identity], str | None],
        render: Render[Payload],
    ) -> None:
        self._sessions, self._cache, self._settings = sessions, cache, settings
        self._refuses, self._render = refuses, render
        self.lookup: Callable[[str], Admission[Payload] | None] = cache.get
        self.seen: Callable[[LoadedSession], None] = _ignore

    @property
    def generation(self) -> int:
        """Return a number that changes with every sign-out. Read it before a session is read, and pass it to `keep`."""
        return self._cache.generation

    def open_first_seen(
        self, cookie: str, cookie_header: str, now: int, expiring_keys: ExpiringKeys
    ) -> Admission[Payload] | None:
        """Open a session cookie that is not among the admissions, or return None if `Gate.decide` is needed.

        Args:
            cookie: The first session cookie in `cookie_header`.
            expiring_keys: Expiring keys that do not block. Nothing waits here, so no generator is needed.
        """
        generation = self._cache.generation
        try:
            found = self._sessions.open(cookie, cookie_header, now)
        except SessionError:
            return None
        until = renew_at(found.session, self._settings)
        if now >= until or may_be_revoked(found.session, expiring_keys, now):
            return None
        return self.keep(found, until, generation)

    def loaded(self, value: str, now: int) -> LoadedSession | None:
        """Return the session of a cookie if `keep` stored it `with_session`, or None.

        Not checked here: whether every end of a session has been reported (`Ends.is_current`). Check it before.

        Args:
            value: The value of the main cookie.
            now: The time in epoch seconds.
        """
        admission = self.lookup(value)
        if admission is None or admission.loaded is None or not admission.since <= now < admission.until:
            return None
        return admission.loaded._replace(at=now)

    def keep(
        self, found: LoadedSession, until: int, generation: int, *, with_session: bool = False
    ) -> Admission[Payload] | None:
        """Admit a session until `until`. Return None, and keep nothing, if the settings refuse its user.

        Args:
            until: An epoch second. If the session ends earlier, the admission ends with it.
            generation: The value of `generation` before the session was read. For a session from a store, the
                generation in `found` is used instead.
            with_session: Whether `loaded` should return the session.
        """
        session = found.session
        if self._refuses(session.identity):
            return None
        self.seen(found)
        payload, size = self._render(found)
        if session.access_token:  # the payload may contain it
            until = min(until, token_ends_at(session, self._settings))
        admission = Admission(
            min(until, found.ends_at, found.fresh_until),
            payload,
            found.end_key,
            size + len(found.value),
            since=session.started_at - self._settings.clock_skew_seconds,
            checked_at=session.checked_at,
        )
        if with_session:
            admission.loaded = found
            admission.size += found.weight
        before = self.lookup(found.value)
        if (
            before is not None and before.checked_at == session.checked_at
        ):  # the same identity, so the same answers
            admission.asked, admission.met = before.asked, before.met
        if found.generation is not None:
            generation = found.generation
        self._cache.put(found.value, admission, generation, found.at)
        return admission


def _ignore(loaded: LoadedSession) -> None:
    """Do nothing."""
