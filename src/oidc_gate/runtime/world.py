"""The world: performs what the core asks for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, assert_never

from ..effects import AddOnce, Effect, ExpiringKeys, Fetch, Fetched, LastSeen, Now, Random, ReadBody
from ..settings import Settings
from ..store.expiring_keys import MemoryKeys
from .http import Outbound


class World:
    """Clock, randomness, network and marks of one gate. Safe under threads.

    Args:
        expiring_keys: Where marks are kept; in this process's memory if left out.
        outbound: Performs a `Fetch`; over the network if left out.
        clock: Epoch seconds.
        entropy: Unpredictable bytes, as many as asked for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        expiring_keys: ExpiringKeys | None = None,
        outbound: Callable[[Fetch], Fetched] | None = None,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.expiring_keys: ExpiringKeys = MemoryKeys() if expiring_keys is None else expiring_keys
        self._outbound = Outbound(settings).perform if outbound is None else outbound
        self.clock, self._entropy = clock, entropy

    def blocks(self, effect: Effect) -> bool:
        """Tell whether performing `effect` may wait for a network or a disk."""
        if isinstance(effect, AddOnce | LastSeen):
            return self.expiring_keys.blocks
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
            case AddOnce(key, until):
                return self.expiring_keys.add_once(key, until, int(self.clock()))
            case LastSeen(keys):
                return self.expiring_keys.last_seen(keys, int(self.clock()))
            case ReadBody():
                raise TypeError("a request's body is read by the shell")
            case _:
                assert_never(effect)
