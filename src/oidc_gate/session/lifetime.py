"""When a session ends, and when its idle clock is wound again. Times are epoch seconds."""

from __future__ import annotations

from ..errors import SessionError
from ..model import Session
from ..settings import Settings

RENEWALS_AN_IDLE_TIME = 10


def ends_at(session: Session, settings: Settings) -> int:
    """Return the second at which `session` is over: its absolute end, or idleness, whichever comes first.

    Settings count at once: a lifetime that was shortened shortens the sessions that are there already.
    """
    return min(
        session.identity.expires_at,
        session.started_at + settings.session_lifetime_seconds,
        session.last_seen + settings.session_idle_seconds,
    )


def renew_at(session: Session, settings: Settings) -> int:
    """Return the second from which a request renews `session`: after each tenth of the idle time."""
    return session.last_seen + (settings.session_idle_seconds // RENEWALS_AN_IDLE_TIME or 1)


def validate_lifetime(session: Session, settings: Settings, now: int) -> int:
    """Check that `session` is still on, and return the second at which it is over.

    Raises:
        SessionError: ``session_expired``, ``session_idle``, or ``session_from_the_future`` for one that
            started later than the clock skew allows: the clocks of two servers disagree.
    """
    if session.started_at > now + settings.clock_skew_seconds:
        raise SessionError("session_from_the_future", "The session starts in the future.")
    end = ends_at(session, settings)
    if now < end:
        return end
    if now >= session.last_seen + settings.session_idle_seconds:
        raise SessionError("session_idle", "The session was idle for too long.")
    raise SessionError("session_expired", "The session has expired.")
