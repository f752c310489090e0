"""Sessions that are stored in cookies: reading, writing, renewing and clearing them."""

from __future__ import annotations

from itertools import product

from .. import effects
from ..effects import Step
from ..errors import SessionError
from ..model import Session
from ..seal import KeyRing
from ..seal.ring import NONCE_BYTES, sealed_chars
from ..settings import Settings
from .cookie_jar import Cookies
from .fitting import fit
from .lifetime import max_age, validate_lifetime, with_true_end, without_expired_token
from .record import (
    BODY_COOKIE_BYTES,
    ONE_COOKIE_BYTES,
    Decoded,
    Head,
    decode,
    encode_head,
    encode_session,
    join_cookies,
    too_large,
)
from .revocation import Revocations
from .sessions import LoadedSession, Written


class CookieSessions:
    """Sealed sessions in one to three cookies.

    Args:
        provider: The value of `Identity.provider`. It is configured, and therefore not in the cookie.
        revocations: Records which sessions have ended.
    """

    are_stored = False

    def __init__(
        self,
        settings: Settings,
        cookies: Cookies,
        ring: KeyRing,
        provider: str,
        revocations: Revocations,
    ) -> None:
        self._settings = settings
        self._cookies = cookies
        self._provider = provider
        self._revocations = revocations
        self.ends_are_shared = revocations.are_shared
        self._main = ring.sealer("session", cookies.main)
        self._body = ring.sealer("session body", cookies.body)

    def read(self, header: str) -> Step[LoadedSession]:
        """Return the first session in a ``Cookie`` header that opens, has not expired, and is not revoked.

        Up to four cookies with the name are tried, because a sibling domain can plant one in front of the real one.

        Raises:
            SessionError: There is none. The code gives the reason for the last cookie.
        """
        now = yield from effects.now()
        failure = None
        for value in self._cookies.find(header, self._cookies.main):
            try:
                loaded = self.open(value, header, now)
                generation = yield from self._revocations.check(loaded.session)
                return loaded._replace(generation=generation)
            except SessionError as error:
                failure = error
        raise failure or SessionError("no_cookie", "No session cookie came.")

    def end_key(self, session: Session) -> str | bytes:
        """Return the key under which the end of `session` is reported."""
        return self._revocations.end_key(session)

    def read_again(self, session: Session) -> Step[Session]:
        """Return a session that was read before, if it was not revoked."""
        yield from self._revocations.check(session)
        return session

    def open(self, value: str, header: str, now: int) -> LoadedSession:
        """Return the session of one main cookie, if it opens and has not expired.

        Not checked here: whether it was revoked.

        Raises:
            SessionError: It does not open, or has expired; see the code.
        """
        session, weight = self._decode(self._main.open(value))
        bodies = 0
        if isinstance(session, Head):
            bodies = session.bodies
            session, weight = self._join(session, header)
            value = self._cookies.session_key(value, header)
        ends = validate_lifetime(session, self._settings, now)
        end_key = self.end_key(session)
        session = with_true_end(without_expired_token(session, self._settings, now), self._settings)
        return LoadedSession(session, value, bodies, weight, now, ends, end_key)

    def _join(self, head: Head, header: str) -> tuple[Session, int]:
        """Return the session of `head` with the first body that belongs to it. Another body may have been planted."""
        bodies = self._cookies.find(header, self._cookies.body)
        if head.bodies > 1:  # at most four times four combinations
            seconds = self._cookies.find(header, self._cookies.body2)
            bodies = [first + second for first, second in product(bodies, seconds)]
        if not bodies:
            raise SessionError("session_parts", "Another cookie of the session is missing.")
        failure = None
        for value in bodies:
            try:
                body, weight = self._decode(self._body.open(value))
                if not isinstance(body, Head):
                    return join_cookies(head, body), weight
            except SessionError as error:
                failure = error
        raise failure or SessionError("session_record", "The cookie has no record of a session.")

    def _decode(self, opened: bytes) -> Decoded:
        return decode(opened, issuer=self._settings.issuer, provider=self._provider)

    def begin(self, session: Session) -> Step[Session]:
        """Return a new session as it is to be written."""
        return (yield from self._revocations.begin(session))

    def write(self, session: Session) -> Step[Written]:
        """Return a new session as it was written, and its ``Set-Cookie`` values.

        A session that does not fit is shortened, see `oidc_gate.session.fitting`.

        Raises:
            GateError: ``session_too_large``.
        """
        now = yield from effects.now()
        session, record = fit(session, self._settings, self._encode)
        age = max_age(session, self._settings, now)
        nonce = yield from effects.random(NONCE_BYTES)
        if sealed_chars(len(record)) <= ONE_COOKIE_BYTES:
            values = [self._main.seal(record, nonce)]
        else:
            body_nonce = yield from effects.random(NONCE_BYTES)
            body = self._body.seal(record, body_nonce)
            bodies = [part for part in (body[:BODY_COOKIE_BYTES], body[BODY_COOKIE_BYTES:]) if part]
            values = [self._main.seal(encode_head(session, len(bodies)), nonce), *bodies]
        names = self._cookies.session_names
        cookies = [
            self._cookies.set(name, value, max_age=age) for name, value in zip(names, values, strict=False)
        ]
        return Written(session, (*cookies, *map(self._cookies.clear, names[len(values) :])))

    def _encode(self, session: Session) -> bytes:
        """Return the record of `session`, if it fits into the cookies.

        Raises:
            GateError: ``session_too_large``.
        """
        record = encode_session(session)
        chars = sealed_chars(len(record))
        if chars > ONE_COOKIE_BYTES:
            head = sealed_chars(len(encode_head(session, 2)))
            first = min(chars, BODY_COOKIE_BYTES)
            # The second body fits into a cookie too, because all cookies together have room for less than two bodies.
            if not self._cookies.leave_room(head, first, chars - first):
                raise too_large(chars)
        return record

    def renew(self, loaded: LoadedSession) -> Step[Written]:
        """Return the session with a new idle time, and the single ``Set-Cookie`` value that stores it."""
        nonce = yield from effects.random(NONCE_BYTES)
        session = loaded.session._replace(last_seen=loaded.at)
        value = self._main.seal(
            encode_head(session, loaded.bodies) if loaded.bodies else encode_session(session), nonce
        )
        age = max_age(session, self._settings, loaded.at)
        return Written(session, (self._cookies.set(self._cookies.main, value, max_age=age),))

    def clear(self, header: str) -> tuple[str, ...]:
        """Return the ``Set-Cookie`` values that remove every cookie of the gate in `header`."""
        return tuple(self._cookies.clear(name) for name in self._cookies.names_in(header))

    def end(self, session: Session) -> Step[None]:
        """End one session, for every copy of its cookie."""
        yield from self._revocations.end(session)

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions that a logout token names; see `oidc_gate.session.sessions.Sessions`."""
        yield from self._revocations.end_at_provider(subject=subject, sid=sid)

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider, at the request of a page in a frame."""
        yield from self._revocations.end_from_frame(sid)
