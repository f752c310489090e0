"""The world: performs what the core asks for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, assert_never

from ..effects import Effect, Fetch, Fetched, Marks, Now, Random, ReadBody, Recall, Remember
from ..settings import Settings
from ..store.expiring_keys import MemoryMarks
from .http import Outbound


class World:
    """Clock, randomness, network and marks of one gate. Safe under threads.

    Args:
        marks: Where marks are kept; in this process's memory if left out.
        outbound: Performs a `Fetch`; over the network if left out.
        clock: Epoch seconds.
        entropy: Unpredictable bytes, as many as asked for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        marks: Marks | None = None,
        outbound: Callable[[Fetch], Fetched] | None = None,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.marks: Marks = MemoryMarks() if marks is None else marks
        self._outbound = Outbound(settings).perform if outbound is None else outbound
        self.clock, self._entropy = clock, entropy

    def blocks(self, effect: Effect) -> bool:
        """Tell whether performing `effect` may wait for a network or a disk."""
        if isinstance(effect, Remember | Recall):
            return self.marks.blocks
        return isinstance(effect, Fetch)

    def perform(self, effect: Effect) -> Any:
        """Perform `effect` and return its result."""
        match effect:
            case Now():
                return int(self.clock())
            case Random(size):
                return self._entropy(size)
            case Fetch():
                return self._outbound(effect)
            case Remember(key, until):
                return self.marks.remember(key, until, int(self.clock()))
            case Recall(keys):
                return self.marks.recall(keys, int(self.clock()))
            case ReadBody():
                raise TypeError("a request's body is read by the shell")
            case _:
                assert_never(effect)
