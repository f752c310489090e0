"""When a session ends, and when its idle time is renewed. Times are in epoch seconds."""

from __future__ import annotations

from dataclasses import replace

from ..errors import SessionError
from ..model import Session
from ..settings import Settings

RENEWALS_AN_IDLE_TIME = 10


def ends_at(session: Session, settings: Settings) -> int:
    """Return the second at which `session` ends: its absolute end, or the end of the idle time, whichever comes first.

    Settings apply at once: a shorter lifetime also shortens existing sessions.
    """
    return min(absolute_end(session, settings), idle_end(session, settings))


def absolute_end(session: Session, settings: Settings) -> int:
    """Return the second at which `session` ends, however often it is renewed."""
    return min(session.identity.expires_at, session.started_at + settings.session_lifetime_seconds)


def idle_end(session: Session, settings: Settings) -> int:
    """Return the second at which the idle time of `session` ends if it is not renewed."""
    return session.last_seen + settings.session_idle_seconds


def renew_at(session: Session, settings: Settings) -> int:
    """Return the second from which on a request renews `session`, which is a tenth of the idle time later."""
    return session.last_seen + (settings.session_idle_seconds // RENEWALS_AN_IDLE_TIME or 1)


def with_true_end(session: Session, settings: Settings) -> Session:
    """Return `session` with its absolute end as `Identity.expires_at`, also if the lifetime was shortened since."""
    end = absolute_end(session, settings)
    if session.identity.expires_at == end:
        return session
    return session._replace(identity=replace(session.identity, expires_at=end))


def max_age(session: Session, settings: Settings, now: int) -> int | None:
    """Return the ``Max-Age`` of a session cookie, or None if the browser removes it when it is closed.

    The browser removes the cookie at the absolute end. The gate checks the idle time, and the absolute end as well.
    """
    if settings.session_expires_at_browser_close:
        return None
    return max(absolute_end(session, settings) - now, 1)


def token_ends_at(session: Session, settings: Settings) -> int:
    """Return the second from which on the application does not get the access token any more."""
    return session.access_token_expires_at - settings.access_token_min_seconds


def without_expired_token(session: Session, settings: Settings, now: int) -> Session:
    """Return `session` without its access token if less than `access_token_min_seconds` are left of it.

    The expiry of a token that an earlier release kept is not known, so that token counts as expired.
    """
    if session.access_token and now >= token_ends_at(session, settings):
        return session._replace(access_token="")
    return session


def validate_lifetime(session: Session, settings: Settings, now: int) -> int:
    """Check that `session` has not ended, and return the second at which it will end.

    Raises:
        SessionError: ``session_expired``; ``session_idle``; or ``session_from_the_future`` if it started later than the
            clock skew allows, because the clocks of two servers differ.
    """
    if session.started_at > now + settings.clock_skew_seconds:
        raise SessionError("session_from_the_future", "The session starts in the future.")
    end = ends_at(session, settings)
    if now < end:
        return end
    if now >= idle_end(session, settings):
        raise SessionError("session_idle", "The session was idle for too long.")
    raise SessionError("session_expired", "The session has expired.")
