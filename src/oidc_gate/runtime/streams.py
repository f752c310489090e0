"""The open streams of one process, WebSockets and event streams, which must not outlive their session.

Each stream is registered under the key by which the end of its session is reported. If this process cannot tell which
session has ended, every session is checked again. While there are streams, one thread checks once a second whether
their sessions have ended: in a store, by their lifetime, or by their idle time. Under WSGI no thread can wake a stream,
so each stream checks for itself whenever the application yields a chunk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ..effects import Step
from ..errors import GateError
from .driver import World, run

log = logging.getLogger("oidc_gate")

CHECK_SECONDS = 1.0
"""How long an end may remain unnoticed, not counting the time that checks take."""

Check = Callable[[], Step["int | None"]]
"""Reads what is known about a session: the end of its idle time in epoch seconds, or None if it was ended."""

Recheck = Callable[[int], Step[bool]]
"""Takes the time in epoch seconds, and returns whether the stream may stay open. It does not wait for a network."""


class Lifetime(NamedTuple):
    """The times of one session, in epoch seconds.

    Attributes:
        end_key: The key under which its end is reported.
        ends_at: Its absolute end.
        idle_ends_at: The end of its idle time, as far as it is known. A renewal moves it.
        recheck: Starts a refresh of the session if that is due; None if sessions are not refreshed.
    """

    end_key: str | bytes
    ends_at: int
    idle_ends_at: int
    recheck: Recheck | None = None


class OpenStream:
    """One open stream. Call `close` when it has ended, for whatever reason."""

    def __init__(self, session: _Session, streams: OpenStreams, wake: Callable[[], object] | None) -> None:
        self._session, self._streams = session, streams
        self.wake = wake

    def is_over(self) -> bool:
        """Return whether the session has ended. This may read the session again, so it may block."""
        return self._streams.is_over(self._session)

    def close(self) -> None:
        """Remove the stream from those that are open."""
        self._streams.remove(self, self._session)


class _Session:
    """One session with open streams. A new one is checked, because it may have been ended before it was registered."""

    def __init__(self, lifetime: Lifetime, check: Check) -> None:
        self.end_key, self.ends_at, self.idle_ends_at, self.recheck = lifetime
        self.check = check
        self.is_due = True  # for a check
        self.is_over = False
        self.streams: set[OpenStream] = set()


class OpenStreams:
    """The open streams of one process. It is safe under threads.

    Args:
        world: Performs the effects of checks.
        clock: Returns epoch seconds.
        catch_up: Reports the ends in a store that have not been reported yet; None if there is no store.
    """

    def __init__(
        self, world: World, clock: Callable[[], float], catch_up: Callable[[], Step[bool]] | None = None
    ) -> None:
        self._world, self._clock, self._catch_up = world, clock, catch_up
        self._lock = threading.Lock()
        self._sessions: dict[str | bytes, _Session] = {}
        self._wake_up = threading.Event()
        self._is_watching = False

    def __len__(self) -> int:
        with self._lock:
            return sum(len(session.streams) for session in self._sessions.values())

    def open(self, lifetime: Lifetime, check: Check, wake: Callable[[], object] | None = None) -> OpenStream:
        """Register a stream of a session.

        Args:
            wake: Called once, from any thread, when the session has ended. It must not block, and may raise
                RuntimeError if nothing waits any more. Without it, `OpenStream.is_over` has to be called.
        """
        with self._lock:
            session = self._sessions.setdefault(lifetime.end_key, _Session(lifetime, check))
            session.check, session.is_due = check, True
            session.recheck = lifetime.recheck
            session.idle_ends_at = max(session.idle_ends_at, lifetime.idle_ends_at)
            stream = OpenStream(session, self, wake)
            session.streams.add(stream)
            if wake is not None and not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="oidc_gate-streams", daemon=True).start()
        self._wake_up.set()
        return stream

    def remove(self, stream: OpenStream, session: _Session) -> None:
        """Remove a stream; see `OpenStream.close`."""
        with self._lock:
            session.streams.discard(stream)
            if not session.streams and self._sessions.get(session.end_key) is session:
                del self._sessions[session.end_key]

    def renewed(self, end_key: str | bytes, idle_ends_at: int) -> None:
        """Move the end of the idle time of a session, never back."""
        session = self._sessions.get(end_key)
        if session is not None:
            session.idle_ends_at = max(session.idle_ends_at, idle_ends_at)

    def ended(self, end_key: str | bytes | None) -> None:
        """End the streams of a session that has ended, or, with None, check every session again. It does not block."""
        if end_key is None:
            with self._lock:
                for each in self._sessions.values():
                    each.is_due = True
            self._wake_up.set()
        elif (session := self._sessions.get(end_key)) is not None:
            self._end(session)

    def is_over(self, session: _Session) -> bool:
        """Return whether `session` has ended; see `OpenStream.is_over`."""
        with suppress(GateError):  # a store that does not answer does not end the session
            self._report_ends()
        with suppress(GateError):
            self._find_end(session, int(self._clock()), checks=True)
        return session.is_over

    def _find_end(self, session: _Session, now: int, *, checks: bool) -> None:
        """End `session` if its time is over, or if a check finds that it was ended.

        Args:
            checks: Whether the session may be checked now. False if the store does not answer.

        Raises:
            GateError: The check failed, for example because a store does not answer. It remains due.
        """
        if session.is_over or now >= session.ends_at:
            return self._end(session)
        if session.recheck is not None and not run(
            session.recheck(now), self._world, _no_body, in_lanes=False
        ):
            return self._end(session)
        if checks and (session.is_due or now >= session.idle_ends_at):
            # Reset it before the check, so that an end that is reported during the check causes another check.
            session.is_due = False
            try:
                idle_ends_at = run(session.check(), self._world, _no_body, in_lanes=False)
            except Exception:
                session.is_due = True
                if now >= session.idle_ends_at:
                    self._end(session)
                raise
            if idle_ends_at is None:
                return self._end(session)
            session.idle_ends_at = max(session.idle_ends_at, idle_ends_at)
        if now >= session.idle_ends_at:
            self._end(session)

    def _report_ends(self) -> None:
        if self._catch_up is not None:
            run(self._catch_up(), self._world, _no_body, in_lanes=False)

    def _end(self, session: _Session) -> None:
        with self._lock:
            session.is_over = True
            if self._sessions.get(session.end_key) is session:
                del self._sessions[session.end_key]
            woken, session.streams = session.streams, set()
        for stream in woken:
            if stream.wake is not None:
                with suppress(RuntimeError):  # its event loop is closed
                    stream.wake()

    def _watch(self) -> None:
        while True:
            self._wake_up.wait(CHECK_SECONDS)
            self._wake_up.clear()
            with self._lock:
                sessions = list(self._sessions.values())
                self._is_watching = any(stream.wake for each in sessions for stream in each.streams)
                if not self._is_watching:
                    return
            self._check_sessions(sessions)

    def _check_sessions(self, sessions: list[_Session]) -> None:
        now, answers = int(self._clock()), True
        try:
            self._report_ends()
        except GateError:
            answers = False
        for session in sessions:
            try:
                self._find_end(session, now, checks=answers)
            except GateError:
                answers = False  # do not wait for the same store once for each session
            except Exception:
                log.exception("an open stream could not be checked: an error in oidc_gate")


def _no_body(limit: int) -> bytes:
    return b""
