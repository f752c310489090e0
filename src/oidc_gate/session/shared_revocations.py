"""Ends sessions that are stored in cookies, by recording it in a store that all processes share.

The store sees only a hash of the session ID, which is random, and HMACs of subjects and of the provider's session IDs.
An end is announced to the views of all processes under the same name. The name of a single session has `KEY_BYTES`, and
a cache removes this session alone. The other names are one byte longer, and a cache removes everything, because it does
not know which sessions they name.
"""

from __future__ import annotations

import hashlib

from .. import effects
from ..effects import Step
from ..errors import SessionError
from ..model import Session
from ..seal import KeyRing
from ..settings import Settings
from ..store.base import Added, ExpiringKey, Store
from .ends import Answer, Ends, ask
from .revocation import was_revoked
from .ticket import Tickets

_PROVED, _BY_A_FRAME, _KNOWN = "revoked", "revoked by a frame", "known"


class SharedRevocations:
    """The revocations in a store.

    Args:
        ends: Reports ends in the store to the cache of this process.
        cookie_name: The name of the main cookie.
    """

    are_shared = True

    def __init__(self, settings: Settings, ring: KeyRing, cookie_name: str, ends: Ends) -> None:
        self._lifetime_seconds = settings.session_lifetime_seconds
        self._skew_seconds = settings.clock_skew_seconds
        self._issuer, self._ends = settings.issuer, ends
        self._tickets = Tickets(ring, cookie_name)

    def end_key(self, session: Session) -> bytes:
        """Return the hash of the session ID."""
        return hashlib.sha256(session.identity.session_id.encode("utf-8", "surrogatepass")).digest()

    def begin(self, session: Session) -> Step[Session]:
        """Return `session`, with a start that is not before the one of the store's records.

        The store's records start later if the clock of the server that used the store first is ahead, within the clock
        skew.
        """
        now = yield from effects.now()
        until = now + self._lifetime_seconds + self._skew_seconds
        known = self._names(_KNOWN, "sid", session.sid) if session.sid else ()

        def begin(store: Store) -> Added:
            for name in known:
                store.add_once(name, until, now)
            return store.when_added((), now)

        added = yield from ask(begin)
        if session.started_at < added.born_at <= now + self._skew_seconds:
            return session._replace(started_at=added.born_at)
        return session

    def check(self, session: Session) -> Step[int]:
        """Check that `session` was not ended, and that it is not older than the store's records.

        The name of the session itself is final, so its time does not matter: the clocks of two servers differ, and a
        clock may go back. The other names also apply to sessions that began later, so they count only if they are not
        older than the session.

        Raises:
            SessionError: ``session_revoked``, or ``session_before_store``.
        """
        now = yield from effects.now()
        own, others = self._own(session), self._others(session)
        answer: Answer = yield from self._ends.read(lambda store: store.when_added((own, *others), now))
        added: Added = answer.result
        if session.started_at < added.born_at:
            raise SessionError(
                "session_before_store", "The session is older than what is known about sign-outs."
            )
        if added.at is None:
            return answer.generation
        # A logout in the second in which the session began ends it too. One sign-in too many is better.
        if added.at < session.started_at:
            alone: Added = yield from ask(lambda store: store.when_added((own,), now))
            if alone.at is None:
                return answer.generation
        raise was_revoked()

    def end(self, session: Session) -> Step[None]:
        """End one session, for every copy of its cookie."""
        yield from self._add((self._own(session),))

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions of a user, or of a session at the provider, that began before now."""
        kind = "sub+sid" if subject and sid else "sid" if sid else "sub"
        yield from self._add(self._names(_PROVED, kind, *filter(None, (subject, sid))))

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider.

        Any client can invent a `sid`, and an end makes every process clear its cache. A `sid` that no session has
        therefore announces nothing. Those of existing sessions have a limit of their own in the store, so that many of
        them do not displace any other end.
        """
        now, known = (yield from effects.now()), self._names(_KNOWN, "sid", sid)
        added: Added = yield from ask(lambda store: store.when_added(known, now))
        if added.at is not None:
            yield from self._add(self._names(_BY_A_FRAME, "sid", sid))

    def _add(self, names: tuple[ExpiringKey, ...]) -> Step[None]:
        now = yield from effects.latest_now()
        until = now + self._lifetime_seconds + self._skew_seconds

        def add(store: Store) -> None:
            for name in names:
                store.add_once(name, until, now, announce=True)

        yield from ask(add)

    def _own(self, session: Session) -> ExpiringKey:
        return ExpiringKey(_PROVED, self.end_key(session))

    def _others(self, session: Session) -> tuple[ExpiringKey, ...]:
        subject, sid = session.identity.subject, session.sid
        names = self._names(_PROVED, "sub", subject)
        if sid:
            names += self._names(_PROVED, "sid", sid) + self._names(_PROVED, "sub+sid", subject, sid)
            names += self._names(_BY_A_FRAME, "sid", sid)
        return names

    def _names(self, kind: str, what: str, *values: str) -> tuple[ExpiringKey, ...]:
        found = self._tickets.indexes(f"revoked {what}", self._issuer, *values)
        return tuple(ExpiringKey(kind, b"*" + name) for name in found)
