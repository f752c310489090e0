"""Sessions in a store, and a driver for the steps that refresh them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from oidc_gate.effects import Background, Effect, Now, Step, WaitFor
from oidc_gate.session.sessions import LoadedSession, Stored
from oidc_gate.session.ticket import Ticket
from oidc_gate.store.base import Row
from tests.core.session.test_record import NOW, SESSION

T = TypeVar("T")
Start = Callable[[], Step[None]]


def loaded(name: str = "one", at: int = NOW, **session: Any) -> LoadedSession:
    """Return a session that was read at `at`."""
    key = name.encode().ljust(32, b".")
    stored = Stored(Ticket(bytes(16), bytes(32)), Row(key, 1, NOW + 28_800, NOW + 3_600, NOW))
    given = SESSION._replace(**session)
    return LoadedSession(given, f"cookie {name}", 0, 100, at, NOW + 3_600, key, 1, stored)


class Driver:
    """Drives steps at a time that stands still. What is to run in the background is kept, and can be run later.

    Attributes:
        waits: For how many seconds steps waited.
    """

    def __init__(self, now: int = NOW) -> None:
        self.now, self.background, self.waits = now, list[Start](), list[float]()

    def drive(self, step: Step[T]) -> T:
        try:
            effect = next(step)
            while True:
                effect = step.send(self._perform(effect))
        except StopIteration as end:
            value: T = end.value
            return value

    def run_background(self) -> None:
        """Perform what was started in the background."""
        starts, self.background = self.background, []
        for start in starts:
            assert self.drive(start()) is None

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Now():
                return self.now
            case Background(start):
                self.background.append(start)
                return None
            case WaitFor(signal, seconds):
                self.waits.append(seconds)
                return signal.is_set()
        raise AssertionError(effect)
