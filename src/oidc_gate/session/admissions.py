"""Admissions: what is known of sessions that were let in a moment ago, and what each of them may enter.

`Admissions.lookup` is the path of every signed-in request: one look-up by the exact text of the session cookie, with
no cryptography, no JSON and no effect. A cookie that is not there is opened by `open_first_seen`, and what follows
from it is kept until its session is due for renewal.

An admission answers for numbered requirements. Number 0 is the rules of the settings, and only sessions that meet it
are kept at all, so a place that demands nothing else needs no test. Every other number is a further demand, such as
the query of an ``/oauth2/auth`` location: each session is asked once whether it meets one, and the answer is a bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..effects import ExpiringKeys
from ..errors import SessionError
from ..model import Identity, Session
from ..settings import Settings
from .cache import SessionCache
from .cookie_sessions import CookieSessions, LoadedSession
from .lifetime import renew_at
from .revocation import may_be_revoked

Payload = TypeVar("Payload")
Render = Callable[[Session, int], tuple[Payload, int]]
"""Makes of a session what a shell hands on for it.

Given the session's own weight in memory, in bytes; returns the weight of what is kept, too.
"""


@dataclass(slots=True)
class Admission(Generic[Payload]):
    """A session that was let in, and what follows from it until `until`.

    Args:
        until: From this epoch second on the cookie must be opened again: the session ends, or its idle time must
            be renewed.
        since: Before this epoch second the cookie must be opened again: the clock was set back, and the session
            starts in the future.
        payload: What the shell hands on without another question.
        session_id: The session whose sign-out ends this admission.
        size: An upper bound of the memory this takes, in bytes.
        asked: The requirements that this session was asked about, one bit each.
        met: Those of `asked` that it meets.
    """

    until: int
    payload: Payload = field(repr=False)
    session_id: str = field(repr=False)
    size: int
    asked: int = 1
    met: int = 1
    since: int = 0

    def note(self, requirement: int, *, is_met: bool) -> None:
        """Keep whether the session meets a requirement; the answer holds for as long as the admission."""
        # `met` first: another thread that sees the bit in `asked` must find the answer there.
        self.met |= is_met << requirement
        self.asked |= 1 << requirement

    def meets(self, requirement: int) -> bool | None:
        """Return whether the session meets a requirement, or None if it was not asked yet."""
        return bool(self.met >> requirement & 1) if self.asked >> requirement & 1 else None


class Admissions(Generic[Payload]):
    """The admissions of one gate. Safe under threads.

    Args:
        refuses: Names the rule of the settings that refuses an identity, or returns None.
        cache: Where admissions are kept; several gates may share one.

    Attributes:
        lookup: Returns the admission of this exact cookie value, or None. It is the method of the cache's own
            dict, since a signed-in request would notice one more call. Not checked here: `Admission.since` and
            `Admission.until`.
    """

    def __init__(
        self,
        sessions: CookieSessions,
        cache: SessionCache[Admission[Payload]],
        settings: Settings,
        *,
        refuses: Callable[[Identity], str | None],
        render: Render[Payload],
    ) -> None:
        self._sessions, self._cache, self._settings = sessions, cache, settings
        self._refuses, self._render = refuses, render
        self.lookup: Callable[[str], Admission[Payload] | None] = cache.get

    @property
    def generation(self) -> int:
        """Changes with every sign-out; read it before a session is looked at, for `keep`."""
        return self._cache.generation

    def open_first_seen(
        self, cookie: str, cookie_header: str, now: int, expiring_keys: ExpiringKeys
    ) -> Admission[Payload] | None:
        """Open a session cookie that is not among the admissions; None where `Gate.decide` has more to do.

        Args:
            cookie: The first session cookie in `cookie_header`.
            expiring_keys: Those that do not block. Nothing here waits, so no generator is paid for.
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

    def keep(self, found: LoadedSession, until: int, generation: int) -> Admission[Payload] | None:
        """Admit a session until then; None, and nothing is kept, where the settings refuse its user.

        Args:
            until: Epoch second; the end of the session counts if it comes first.
            generation: `generation` as it was before the session was looked at.
        """
        session = found.session
        if self._refuses(session.identity):
            return None
        payload, size = self._render(session, found.weight)
        admission = Admission(
            min(until, found.ends_at),
            payload,
            session.identity.session_id,
            size + len(found.value),
            since=session.started_at - self._settings.clock_skew_seconds,
        )
        if (before := self.lookup(found.value)) is not None:  # the same cookie, so the same answers
            admission.asked, admission.met = before.asked, before.met
        self._cache.put(found.value, admission, generation, found.at)
        return admission
