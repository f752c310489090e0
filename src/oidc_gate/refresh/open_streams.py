"""Refreshes for connections that stay open, whose clients send no requests that could start a refresh."""

from __future__ import annotations

from ..effects import Step
from ..session.freshness import due
from ..session.sessions import LoadedSession
from ..settings import Settings
from .flights import Flight, Flights

MAX_OVERDUE_SECONDS = 5
"""With `refresh_required`, how long a connection stays open after a refresh was due, while it is under way."""


class StreamRefresher:
    """Starts refreshes of one session while a WebSocket or an event stream of it is open, and never waits for them."""

    def __init__(self, flights: Flights, settings: Settings, loaded: LoadedSession) -> None:
        self._flights, self._settings, self._loaded = flights, settings, loaded
        self._flight: Flight | None = None

    def __call__(self, now: int) -> Step[bool]:
        """Start a refresh if one is due, and return whether the connection may stay open.

        Args:
            now: The time in epoch seconds. Call this about once a second.
        """
        if self._flight is not None and self._flight.is_over.is_set():
            outcome, self._flight = self._flight.outcome, None
            if outcome.error is not None:
                return False
            self._loaded = outcome.loaded or self._loaded
        times = due(self._loaded.session, self._settings)
        if now < times.soft:
            return True
        if self._flight is None:
            self._flight = yield from self._flights.join(self._loaded, now)
        return not self._settings.refresh_required or now < times.hard + MAX_OVERDUE_SECONDS
