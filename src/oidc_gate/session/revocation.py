"""Ends sessions that are stored in cookies, by recording until their expiry that they have ended.

`OwnRevocations` records it in the memory of this process, and `shared_revocations` in a store, for every process.
"""

from __future__ import annotations

from typing import Protocol

from .. import effects
from ..effects import ExpiringKeys, Step
from ..errors import SessionError
from ..model import Session
from ..settings import Settings

_PROVED, _BY_A_FRAME = _KINDS = ("revoked", "revoked by a frame")


class Revocations(Protocol):
    """Records which sessions in cookies have ended."""

    @property
    def are_shared(self) -> bool:
        """Return whether every process knows of them, also after a restart."""

    def end_key(self, session: Session) -> str | bytes:
        """Return the key by which the cache finds `session` when its end is reported."""

    def begin(self, session: Session) -> Step[Session]:
        """Return a new session, which must not be older than what is known about ends."""

    def check(self, session: Session) -> Step[int | None]:
        """Check that `session` was not ended before its time; return `LoadedSession.generation`.

        Raises:
            SessionError: It was, or that cannot be known; see the code.
        """

    def end(self, session: Session) -> Step[None]:
        """End one session, for every copy of its cookie."""

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions that a logout token names; see `oidc_gate.session.sessions.Sessions`."""

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider, at the request of a page in a frame."""


def was_revoked() -> SessionError:
    """Return the error for a session that was ended before its time."""
    return SessionError("session_revoked", "The session was ended by a sign-out.")


class OwnRevocations:
    """The revocations in the memory of this process."""

    are_shared = False

    def __init__(self, settings: Settings) -> None:
        self._lifetime_seconds = settings.session_lifetime_seconds
        self._skew_seconds = settings.clock_skew_seconds

    def end_key(self, session: Session) -> str:
        """Return the ID of the session."""
        return session.identity.session_id

    def begin(self, session: Session) -> Step[Session]:
        """Return `session`."""
        yield from ()
        return session

    def check(self, session: Session) -> Step[None]:
        """Check that this process does not know of an end of `session`.

        Raises:
            SessionError: ``session_revoked``.
        """
        if (yield from is_revoked(session)):
            raise was_revoked()

    def end(self, session: Session) -> Step[None]:
        """End one session, for every copy of its cookie."""
        yield from revoke_session(session)

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions of a user, or of a session at the provider, that began before now."""
        until = (yield from effects.now()) + self._lifetime_seconds + self._skew_seconds
        yield from revoke_at_provider(subject=subject, sid=sid, until=until)

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider."""
        yield from revoke_from_frame(sid, self._lifetime_seconds)


def revocation_keys(session: Session) -> tuple[str, ...]:
    """Return every key that would end `session`: its own, that of the provider's session, that of the user."""
    identity = session.identity
    keys = [_own_key(session), _key("sub", identity.subject)]
    if session.sid:
        keys += [
            _key("sid", session.sid),
            _key("sub+sid", identity.subject, session.sid),
            _frame_key(session.sid),
        ]
    return tuple(keys)


def is_revoked(session: Session) -> Step[bool]:
    """Return whether `session` was ended before its time.

    The key of the session itself is final, so its time does not matter: the clocks of two servers differ, and a clock
    may go back. The other keys also apply to sessions that began later, so they count only if they are not older than
    the session.
    """
    revoked_at = yield from effects.last_seen(*revocation_keys(session))
    # A logout in the second in which the session began ends it too. One sign-in too many is better.
    if revoked_at is None or revoked_at >= session.started_at:
        return revoked_at is not None
    return (yield from effects.last_seen(_own_key(session))) is not None


def may_be_revoked(session: Session, expiring_keys: ExpiringKeys, now: int) -> bool:
    """Return whether there is a key for `session`, even one from before it began. It is fast while there are no keys.

    Args:
        expiring_keys: Expiring keys that do not block.
    """
    return expiring_keys.has(_KINDS) and expiring_keys.last_seen(revocation_keys(session), now) is not None


def revoke_session(session: Session) -> Step[None]:
    """End one session, for every copy of its cookie."""
    yield from effects.add_once(_own_key(session), session.identity.expires_at)


def revoke_at_provider(*, subject: str, sid: str, until: int) -> Step[None]:
    """End the sessions that a logout token or a front-channel logout names.

    Args:
        subject: The user, all of whose sessions that began before now end; empty if only `sid` is given.
        sid: Restricts this to the sessions of this session at the provider; empty for all.
        until: The epoch second after which every session from before now has expired.

    Spec: OpenID Connect Back-Channel Logout §2.7; Front-Channel Logout §3.
    """
    kind = "sub+sid" if subject and sid else "sid" if sid else "sub"
    key = _key(kind, *filter(None, (subject, sid)))
    yield from effects.add_once(key, until)


def revoke_from_frame(sid: str, lifetime_seconds: int) -> Step[None]:
    """End the sessions of one session at the provider, at the request of a page in a frame.

    Only the `sid` authenticates this request. These keys therefore have a limit of their own: an attacker who invents
    a million of them does not displace any other revocation.
    """
    now = yield from effects.now()
    yield from effects.add_once(_frame_key(sid), now + lifetime_seconds)


def _own_key(session: Session) -> str:
    return _key("session", session.identity.session_id)


def _frame_key(sid: str) -> str:
    return f"{_BY_A_FRAME}\0{sid}"


def _key(kind: str, *names: str) -> str:
    return "\0".join((_PROVED, kind, *names))
