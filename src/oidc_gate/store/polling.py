"""A `View` for a store that has to be asked for ends. A thread asks it repeatedly."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from ..errors import StoreUnavailable
from .base import OnEnds

log = logging.getLogger("oidc_gate.store")

POLLS_PER_LAG = 4
"""How often the store is asked during `lag_seconds`, for which its last answer is valid."""
START_SECONDS = 0.25
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.02, 0.5


class Announced(NamedTuple):
    """The ends that were announced after some position.

    Attributes:
        position: The position from which to continue.
        keys: What was announced; None if it is not known, because the store no longer has it.
    """

    position: bytes
    keys: tuple[bytes, ...] | None = ()


Poll = Callable[[bytes | None, float], Announced]
"""Takes a position and a number of seconds. Returns the ends that were announced after the position, and waits for the
first of them, at most for these seconds. Without a position, returns the newest position at once. Raises
`StoreUnavailable`, without waiting longer, if the store does not answer."""


class PollingView:
    """A `View` that a thread keeps current. Each answer of the store makes it current for `lag_seconds`.

    This time begins when the store is asked, not when it answers. If an answer is delayed by anything (a half-open
    connection, a stopped process, a thread that does not run), the view is not current. It is never wrong.

    Args:
        ask: Asks the store. It is called in a thread of this view.
        on_ends: Receives the reports.
        lag_seconds: How long an answer is valid.
        name: The name of the thread.
    """

    def __init__(self, ask: Poll, on_ends: OnEnds, lag_seconds: float, name: str) -> None:
        self._ask, self._on_ends, self._lag_seconds, self._name = ask, on_ends, lag_seconds, name
        self._trusted_until = 0.0
        self._is_closed = threading.Event()
        self._reset()

    def _reset(self) -> None:
        self._pid = 0
        self._starting = threading.Lock()
        self._has_answer = threading.Event()

    def is_current(self) -> bool:
        """Return whether the store answered recently."""
        return time.monotonic() < self._trusted_until

    def catch_up(self) -> bool:
        """Start the thread if it does not run in this process; return whether the view is current."""
        if self._pid != os.getpid() and not self._is_closed.is_set():
            if self._pid:
                self._reset()
            self._start()
            self._has_answer.wait(START_SECONDS)
        return self.is_current()

    @property
    def is_closed(self) -> bool:
        """Return whether `close` was called."""
        return self._is_closed.is_set()

    def report(self, keys: tuple[bytes, ...] | None) -> None:
        """Report what this process ended itself, before the store does."""
        if not self.is_closed:
            self._on_ends(keys)

    def close(self) -> None:
        """End the thread, at the latest when the pending question is answered."""
        self._is_closed.set()
        self._trusted_until = 0.0

    def _start(self) -> None:
        with self._starting:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        position: bytes | None = None
        pause, is_failing = _FIRST_PAUSE_SECONDS, False
        while not self._is_closed.is_set():
            asked_at = time.monotonic()
            try:
                announced = self._ask(position, self._lag_seconds / POLLS_PER_LAG)
                self._take(announced, is_first=position is None, asked_at=asked_at)
            except Exception as error:
                if self._is_closed.is_set():  # nothing reads this view any more
                    return
                if not is_failing:
                    is_failing = True
                    log.warning("%s: %s", self._name, error, exc_info=not isinstance(error, StoreUnavailable))
                self._is_closed.wait(pause)
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
                continue
            if is_failing:
                log.warning("%s: the store answers again", self._name)
            is_quiet = position is not None and announced.keys == ()
            position, pause, is_failing = announced.position, _FIRST_PAUSE_SECONDS, False
            if is_quiet:  # a store that answers without waiting is asked no more often than one that waits
                self._is_closed.wait(max(asked_at + self._lag_seconds / POLLS_PER_LAG - time.monotonic(), 0))

    def _take(self, announced: Announced, *, is_first: bool, asked_at: float) -> None:
        # What was cached before this thread started, for example in the parent of a fork, may have ended since.
        if is_first and self._trusted_until:
            self.report(None)
        elif announced.keys is None or announced.keys:
            self.report(announced.keys)
        if not self.is_closed:
            self._trusted_until = asked_at + self._lag_seconds
            self._has_answer.set()
