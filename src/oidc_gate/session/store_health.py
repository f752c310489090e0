"""Checks whether the store answers, and whether its own configuration is suitable, for the log and for ``ready``."""

from __future__ import annotations

import logging
from typing import NamedTuple

from .. import effects
from ..effects import Step
from ..errors import Unavailable
from .ends import Ends, ask

log = logging.getLogger("oidc_gate.store")

CHECK_AGAIN_SECONDS = 5


class StoreState(NamedTuple):
    """The result of the last check.

    Attributes:
        has_answered: Whether the store has answered once in this process.
        problems: What the operator must correct, as sentences.
        error: Why the store cannot be used; empty if it can.
        checked_at: When the check was made, in epoch seconds.
    """

    has_answered: bool = False
    problems: tuple[str, ...] = ()
    error: str = ""
    checked_at: int = 0

    @property
    def status(self) -> str:
        """Return the state in one word."""
        if self.error:
            return "unavailable"
        if not self.has_answered:
            return "pending"
        return "misconfigured" if self.problems else "ok"


class StoreHealth:
    """Checks the store of one gate. It is safe under threads.

    Args:
        ends: Reports ends in the store. The first check catches up, so that no request has to.
    """

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self.state = StoreState()

    def warm_up(self) -> Step[None]:
        """Connect to the store, and check it."""
        yield from self._check()

    def recent_state(self) -> Step[StoreState]:
        """Return the state, which is at most `CHECK_AGAIN_SECONDS` old. The first request after that asks the store."""
        now = yield from effects.now()
        if not 0 <= now - self.state.checked_at < CHECK_AGAIN_SECONDS:
            self.state = self.state._replace(checked_at=now)  # the requests that come meanwhile do not ask
            yield from self._check()
        return self.state

    def _check(self) -> Step[None]:
        now = yield from effects.now()
        before = self.state
        try:
            problems = yield from ask(lambda store: store.check(now))
            yield from self._ends.catch_up()
        except Unavailable as error:
            self.state = StoreState(before.has_answered, before.problems, error.code, now)
            if not before.error:
                log.error("the session store cannot be used: %s", error)
            return
        self.state = StoreState(True, problems, "", now)
        if before.error:
            log.warning("the session store answers again")
        for problem in problems:
            if problem not in before.problems:
                log.error("%s", problem)
