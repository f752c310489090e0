"""Sessions in a store. The cookie is a ticket, and the store's row contains the session, sealed for that ticket."""

from __future__ import annotations

import logging
from functools import partial

from .. import effects
from ..effects import Step
from ..errors import SessionError, Unavailable
from ..model import Session
from ..seal import KeyRing
from ..seal.ring import NONCE_BYTES
from ..settings import Settings
from ..store.base import Row, Store, unavailable
from .cookie_jar import Cookies
from .ends import Answer, Ends, ask
from .fitting import fit
from .lifetime import ends_at, max_age, validate_lifetime, with_true_end, without_expired_token
from .names import SessionNames, row_key, seal_label, ticket_id
from .record import MAX_STORED_BYTES, Head, decode, encode_session
from .sessions import LoadedSession, Stored, Written
from .ticket import ID_BYTES, TICKET_BYTES, Ticket, Tickets

log = logging.getLogger("oidc_gate.store")


class StoredSessions:
    """Sessions in a store that all processes share.

    Args:
        provider: The value of `Identity.provider`. It is configured, and therefore not in the row.
        ends: Reports ends in the store to the cache of this process.
    """

    are_stored = True
    ends_are_shared = True

    def __init__(
        self, settings: Settings, cookies: Cookies, ring: KeyRing, provider: str, ends: Ends
    ) -> None:
        self._settings, self._cookies, self._provider, self._ends = settings, cookies, provider, ends
        self.tickets = Tickets(ring, cookies.main)
        self.names = SessionNames(self.tickets, settings.issuer)

    def read(self, header: str) -> Step[LoadedSession]:
        """Return the first session in a ``Cookie`` header that has a row which has not expired.

        A cookie that the gate did not seal is refused without asking the store.

        Raises:
            SessionError: There is none. The code gives the reason for the last cookie.
            StoreUnavailable: The store does not answer.
        """
        now = yield from effects.now()
        failure = None
        for value in self._cookies.find(header, self._cookies.main):
            try:
                ticket = self.tickets.open(value)
                answer: Answer = yield from self._ends.read(partial(_open, ticket.row_key, now))
                return self._loaded(value, ticket, answer, now)
            except SessionError as error:
                failure = error
        raise failure or SessionError("no_cookie", "No session cookie came.")

    def end_key(self, session: Session) -> bytes:
        """Return the key of the row of `session`."""
        return row_key(session.identity.session_id)

    def read_again(self, session: Session) -> Step[Session]:
        """Return a session that was read before, with the time of its last request, if its row is still there."""
        now = yield from effects.now()
        answer: Answer = yield from self._ends.read(partial(_open, self.end_key(session), now))
        row: Row | None = answer.result
        if row is None:
            raise SessionError("session_ended", "The session has ended.")
        return session._replace(last_seen=max(session.last_seen, row.last_seen))

    def reload(self, loaded: LoadedSession) -> Step[LoadedSession]:
        """Return `loaded` as it is stored now.

        Raises:
            SessionError: It has ended, or expired.
            StoreUnavailable: The store does not answer.
        """
        assert loaded.stored is not None
        now = yield from effects.now()
        answer: Answer = yield from self._ends.read(partial(_open, loaded.stored.row.key, now))
        return self._loaded(loaded.value, loaded.stored.ticket, answer, now)

    def open(self, value: str, header: str, now: int) -> LoadedSession:
        """Refuse: the session is in the store.

        Raises:
            SessionError: Always.
        """
        raise SessionError("session_ended", "The session is in the store.")

    def _loaded(self, value: str, ticket: Ticket, answer: Answer, now: int) -> LoadedSession:
        row: Row | None = answer.result
        if row is None:
            raise SessionError("session_ended", "The session has ended.")
        body = self.tickets.open_body(ticket, row.version, row.body)
        session, weight = decode(
            body, issuer=self._settings.issuer, provider=self._provider, max_bytes=MAX_STORED_BYTES
        )
        if isinstance(session, Head):
            raise SessionError("session_record", "The row has no record of a session.")
        # There may have been requests since the body was written. The absolute end is in the sealed body.
        session = session._replace(last_seen=max(session.last_seen, row.last_seen))
        session = with_true_end(without_expired_token(session, self._settings, now), self._settings)
        return LoadedSession(
            session,
            value,
            bodies=0,
            weight=weight,
            at=now,
            ends_at=validate_lifetime(session, self._settings, now),
            end_key=row.key,
            generation=answer.generation,
            stored=Stored(ticket, row._replace(body=b"")),
        )

    def begin(self, session: Session) -> Step[Session]:
        """Return `session`."""
        yield from ()
        return session

    def write(self, session: Session) -> Step[Written]:
        """Write a new session, and return its ``Set-Cookie`` values.

        A session that does not fit is shortened, see `oidc_gate.session.fitting`.

        Raises:
            GateError: ``session_too_large``.
            StoreUnavailable: The store does not answer.
        """
        now = yield from effects.now()
        entropy = yield from effects.random(TICKET_BYTES - ID_BYTES + NONCE_BYTES)
        key, nonce = entropy[:-NONCE_BYTES], entropy[-NONCE_BYTES:]
        ticket = self.tickets.issue(ticket_id(session.identity.session_id) + key)
        session, record = fit(session, self._settings, _encode)
        if (yield from self._put(ticket, session, record, 0, now)) is None:
            raise unavailable("there is a session with this ID")
        cookie = self._cookies.set(
            self._cookies.main,
            self.tickets.seal(ticket, nonce),
            max_age=max_age(session, self._settings, now),
        )
        return Written(session, (cookie, *map(self._cookies.clear, self._cookies.session_names[1:])))

    def replace(self, loaded: LoadedSession, session: Session) -> Step[LoadedSession | None]:
        """Write `session` in the place of `loaded`, whose cookie stays valid.

        Returns:
            The session as it is stored now. None if another process has written it in the meantime, or if it has ended:
            read it again.

        Raises:
            GateError: ``session_too_large``.
            StoreUnavailable: The store does not answer.
        """
        assert loaded.stored is not None
        ticket, before = loaded.stored
        now = yield from effects.now()
        session, record = fit(session, self._settings, _encode)
        row = yield from self._put(ticket, session, record, before.version, now)
        if row is None:
            return None
        ends = ends_at(session, self._settings)
        return loaded._replace(session=session, ends_at=ends, stored=Stored(ticket, row))

    def _put(
        self, ticket: Ticket, session: Session, record: bytes, version: int, now: int
    ) -> Step[Row | None]:
        """Write version `version` + 1, and return its row without the body; None if another version is stored."""
        nonces = yield from effects.random(2 * NONCE_BYTES)
        key = ticket.row_key
        row = Row(
            key,
            version + 1,
            expires_at=self._expires_at(session),
            leaves_at=ends_at(session, self._settings),
            last_seen=session.last_seen,
            indexes=self.names.indexes_of(session),
            label=seal_label(self.tickets, key, session, nonces[:NONCE_BYTES]),
            body=self.tickets.seal_body(ticket, version + 1, record, nonces[NONCE_BYTES:]),
        )
        is_written = yield from ask(lambda store: store.put(row, version, now))
        return row._replace(body=b"") if is_written else None

    def renew(self, loaded: LoadedSession) -> Step[Written]:
        """Store the time of this request. The cookie stays the same.

        If the store fails, the session is used as it is, because its idle time has not ended yet.

        Raises:
            SessionError: It ended in the meantime.
        """
        assert loaded.stored is not None
        session = loaded.session._replace(last_seen=loaded.at)
        touch = partial(_touch, loaded.stored.row.key, loaded.at, ends_at(session, self._settings))
        try:
            is_there = yield from ask(touch)
        except Unavailable as error:
            log.warning("the time of a request could not be stored: %s", error)
            return Written(loaded.session, ())
        if not is_there:
            raise SessionError("session_ended", "The session has ended.")
        return Written(session, ())

    def clear(self, header: str) -> tuple[str, ...]:
        """Return the ``Set-Cookie`` values that remove every cookie of the gate in `header`."""
        return tuple(self._cookies.clear(name) for name in self._cookies.names_in(header))

    def end(self, session: Session) -> Step[None]:
        """End one session."""
        now = yield from effects.now()
        selector = self.names.of_session(session.identity.session_id)
        yield from ask(lambda store: store.end(selector, now))

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions of a session at the provider, or all sessions of a user."""
        now = yield from effects.now()
        selector = self.names.of_sid(sid) if sid else self.names.of_subject(subject)
        yield from ask(lambda store: store.end(selector, now))

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider."""
        yield from self.end_at_provider(subject="", sid=sid)

    def _expires_at(self, session: Session) -> int:
        return ends_at(session._replace(last_seen=session.identity.expires_at), self._settings)


def _encode(session: Session) -> bytes:
    return encode_session(session, MAX_STORED_BYTES)


def _open(key: bytes, now: int, store: Store) -> Row | None:
    return store.open(key, now)


def _touch(key: bytes, last_seen: int, leaves_at: int, store: Store) -> bool:
    return store.touch(key, last_seen, leaves_at, last_seen)
