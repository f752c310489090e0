"""When a session in a store has to be refreshed, that is, when the provider has to be asked about its user again.

There are two times. From the first one on, a request starts the refresh and does not wait for it, because the session
may still be used as it is. From the second one on, requests wait for the result.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import Session
from ..settings import Settings
from .lifetime import token_ends_at
from .sessions import ALWAYS

AHEAD_SECONDS = 60
MIN_INTERVAL_SECONDS = 10
"""The minimum time between two refreshes of a session if its access tokens are valid for less than
`access_token_min_seconds`."""


class Due(NamedTuple):
    """When a refresh is due, in epoch seconds.

    Attributes:
        soft: From this second on, a request starts a refresh.
        hard: From this second on, a request waits for it.
    """

    soft: int
    hard: int


def is_needed(settings: Settings) -> bool:
    """Return whether sessions in a store are refreshed at all."""
    return settings.refresh or settings.recheck_seconds > 0


def can_refresh(session: Session, settings: Settings) -> bool:
    """Return whether `session` has a refresh token, and the settings allow its use."""
    return settings.refresh and bool(session.refresh_token)


def due(session: Session, settings: Settings) -> Due:
    """Return when `session` has to be refreshed."""
    soft = hard = ALWAYS
    checked_at = session.checked_at or session.started_at
    if settings.recheck_seconds:
        soft = checked_at + settings.recheck_seconds * 4 // 5
        hard = checked_at + settings.recheck_seconds
    if can_refresh(session, settings):
        # Ahead of the end of the token, and not before half its time is over. The second bound is for tokens that last
        # for less than `access_token_min_seconds`: they would be due again as soon as they come.
        half = checked_at + (session.access_token_expires_at - checked_at) // 2
        end = token_ends_at(session, settings)
        token_soft = max(end - AHEAD_SECONDS, half, checked_at + MIN_INTERVAL_SECONDS)
        soft, hard = min(soft, token_soft), min(hard, max(end, token_soft))
    return Due(soft, hard)
