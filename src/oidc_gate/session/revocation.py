"""Ending a session that lives in a cookie: a mark that says "not any more", remembered until it would have ended.

The marks are kept by the world (`effects.AddOnce`): in this process's memory, or, where a shared store is
configured, for every process.
"""

from __future__ import annotations

from .. import effects
from ..effects import ExpiringKeys, Step
from ..model import Session

_PROVED, _BY_A_FRAME = _KINDS = ("revoked", "revoked by a frame")


def revocation_keys(session: Session) -> tuple[str, ...]:
    """Return every mark that would end `session`: its own, its provider session's, its person's."""
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

    A session's own end is final, so its time does not matter: clocks of two servers differ, and a clock may go back.
    The other marks also name sessions that began later, so a mark counts if it is not older than the session.
    """
    revoked_at = yield from effects.last_seen(*revocation_keys(session))
    # A logout in the second in which the session began ends it too: better one sign-in too many.
    if revoked_at is None or revoked_at >= session.started_at:
        return revoked_at is not None
    return (yield from effects.last_seen(_own_key(session))) is not None


def may_be_revoked(session: Session, expiring_keys: ExpiringKeys, now: int) -> bool:
    """Tell whether a mark names `session`, even one of before it began; quick while nobody's was ended.

    Args:
        expiring_keys: Those that do not block.
    """
    return expiring_keys.has(_KINDS) and expiring_keys.last_seen(revocation_keys(session), now) is not None


def revoke_session(session: Session) -> Step[None]:
    """End this very session, wherever a copy of its cookie may be."""
    yield from effects.add_once(_own_key(session), session.identity.expires_at)


def revoke_at_provider(*, subject: str, sid: str, until: int) -> Step[None]:
    """End what a logout token or a front-channel logout names.

    Args:
        subject: Ends all sessions of the person that began before now; empty if only `sid` is named.
        sid: Narrows it to the sessions of this session at the provider; empty for all.
        until: Epoch second after which no session from before now can still be on.

    Spec: OpenID Connect Back-Channel Logout §2.7; Front-Channel Logout §3.
    """
    kind = "sub+sid" if subject and sid else "sid" if sid else "sub"
    key = _key(kind, *filter(None, (subject, sid)))
    yield from effects.add_once(key, until)


def revoke_from_frame(sid: str, lifetime_seconds: int) -> Step[None]:
    """End the sessions of a session at the provider, on the word of a page in a frame.

    Nothing proves that word but the `sid`, so these marks have a room of their own: whoever makes up a million
    of them crowds out no other revocation.
    """
    now = yield from effects.now()
    yield from effects.add_once(_frame_key(sid), now + lifetime_seconds)


def _own_key(session: Session) -> str:
    return _key("session", session.identity.session_id)


def _frame_key(sid: str) -> str:
    return f"{_BY_A_FRAME}\0{sid}"


def _key(kind: str, *names: str) -> str:
    return "\0".join((_PROVED, kind, *names))
