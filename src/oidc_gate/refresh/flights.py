"""Refreshes that are under way in this process: at most one for each session ("single flight").

A flight runs in the background. It is finished even if the request that started it has ended, because the provider may
accept a refresh token only once, and the new one must not be lost. A limited number of threads performs all flights.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from .. import effects
from ..effects import Signal, Step
from ..errors import GateError, SessionError
from ..observe import current
from ..session.sessions import LoadedSession

log = logging.getLogger("oidc_gate.refresh")

MAX_RUNNING = 8  # urllib3 keeps 8 connections to a host
MAX_WAITING = 1024
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 30, 300
BUSY_SECONDS = 2  # until the next attempt, if another process has the lease and does not finish the refresh
MAX_REMEMBERED = 10_000  # sessions whose last refresh failed


class Outcome(NamedTuple):
    """The result of a flight: the session, or the reason why it has ended, or the reason why nothing is known.

    Attributes:
        loaded: The session as it is stored now.
        error: The reason why the session has ended.
        failure: Why the provider could not be asked, for the log; empty if another process is asking it.
    """

    loaded: LoadedSession | None = None
    error: SessionError | None = None
    failure: str = ""


NO_RESULT = Outcome()
"""Nothing is known yet, and nothing failed."""


class Flight:
    """One refresh of one session.

    Attributes:
        started_at: When it was started, in epoch seconds.
        is_over: A signal that is set when there is an outcome.
        request_id: The ID of the request that started it.
    """

    def __init__(self, loaded: LoadedSession, started_at: int) -> None:
        self.loaded, self.started_at = loaded, started_at
        self.is_over = Signal()
        self.request_id = current.request_id()
        self.outcome = NO_RESULT


class _Process:
    """The flights of one process. A child process begins without any."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_key: dict[bytes, Flight] = {}
        self.queue: deque[Flight] = deque()
        self.running = 0
        self.retries: OrderedDict[bytes, tuple[int, int]] = OrderedDict()  # seconds of back-off, next attempt


class Flights:
    """Performs refreshes. It is safe under threads.

    Args:
        perform: Refreshes one session.
    """

    def __init__(self, perform: Callable[[LoadedSession], Step[Outcome]]) -> None:
        self._perform = perform
        self._processes: dict[int, _Process] = {}

    def join(self, loaded: LoadedSession, now: int) -> Step[Flight | None]:
        """Return the flight of a session, and start one if there is none.

        Return None if the last flight failed and the next attempt is not due yet, or if too many flights are waiting.
        """
        process = self._mine()
        key = _key(loaded)
        with process.lock:
            flight = process.by_key.get(key)
            if flight is not None:
                return flight
            if now < self._retry_at(process, key, now) or len(process.queue) >= MAX_WAITING:
                return None
            flight = process.by_key[key] = Flight(loaded, now)
            process.queue.append(flight)
            starts = process.running < MAX_RUNNING
            process.running += starts
        if starts:
            yield from effects.in_background(lambda: self._work(process))
        return flight

    def retry_at(self, loaded: LoadedSession, now: int) -> int:
        """Return the epoch second at which the next attempt may be made; `now` if it may be made now."""
        process = self._mine()
        with process.lock:
            return self._retry_at(process, _key(loaded), now)

    @staticmethod
    def _retry_at(process: _Process, key: bytes, now: int) -> int:
        _, at = process.retries.get(key, (0, now))
        return at if now < at <= now + MAX_BACKOFF_SECONDS else now  # a clock that went back delays nothing

    def _mine(self) -> _Process:
        pid = os.getpid()
        return self._processes.get(pid) or self._processes.setdefault(pid, _Process())

    def _work(self, process: _Process) -> Step[None]:
        """Perform flights until there are none."""
        with current.deciding():
            while (flight := self._next(process)) is not None:
                current.set_request_id(flight.request_id)
                try:
                    outcome = yield from self._perform(flight.loaded)
                except GateError as error:
                    outcome = Outcome(failure=str(error))
                except Exception as error:
                    log.exception("an error in oidc_gate: a session could not be refreshed")
                    outcome = Outcome(failure=type(error).__name__)
                now = yield from effects.now()
                self._finish(process, flight, outcome, now)

    @staticmethod
    def _next(process: _Process) -> Flight | None:
        with process.lock:
            if process.queue:
                return process.queue.popleft()
            process.running -= 1
            return None

    def _finish(self, process: _Process, flight: Flight, outcome: Outcome, now: int) -> None:
        key = _key(flight.loaded)
        with process.lock:
            del process.by_key[key]
            if outcome.loaded is not None or outcome.error is not None:
                process.retries.pop(key, None)
            else:
                before, _ = process.retries.pop(key, (0, 0))
                wait = before
                if outcome.failure:
                    wait = min(max(2 * before, MIN_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS)
                process.retries[key] = wait, now + (wait if outcome.failure else BUSY_SECONDS)
                while len(process.retries) > MAX_REMEMBERED:
                    process.retries.popitem(last=False)
        flight.outcome = outcome
        flight.is_over.set()
        if outcome.failure:
            log.warning("a session could not be refreshed: %s", outcome.failure)


def _key(loaded: LoadedSession) -> bytes:
    assert loaded.stored is not None
    return loaded.stored.row.key
