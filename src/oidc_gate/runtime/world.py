"""The world: performs the effects of the core."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from ..effects import (
    AddOnce,
    Background,
    Effect,
    Enter,
    ExpiringKeys,
    Fetch,
    Fetched,
    Lane,
    LastSeen,
    Lock,
    Now,
    Random,
    ReadBody,
    Release,
    Step,
)
from ..errors import ProviderUnavailable
from ..settings import Settings
from ..store.expiring_keys import MemoryKeys
from . import libraries
from .driver import run
from .http import AWAY, Outbound
from .threads import BoundedLane, ServerThreads, make_lanes

log = logging.getLogger("oidc_gate")

# A request waits in line, or for a lock, a little longer than the exchange that it waits for.
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Process:
    """What belongs to one process: after a fork, nothing that another thread held is released."""

    threads: ServerThreads
    lanes: dict[Lane, BoundedLane]
    locks: dict[str, threading.Lock] = field(default_factory=dict)


class World:
    """The clock, the randomness, the network and the expiring keys of one gate. It is safe under threads.

    Args:
        expiring_keys: The store for expiring keys; by default the memory of this process.
        outbound: Performs a `Fetch`; by default over the network.
        clock: Returns epoch seconds.
        entropy: Returns the given number of unpredictable bytes.
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
        self._prepare = _load_libraries if outbound is None else None
        self.clock, self._entropy = clock, entropy
        self._wait_seconds = settings.provider_timeout_seconds + _GRACE_SECONDS
        self._latest, self._skew_seconds = 0, settings.clock_skew_seconds
        self._processes: dict[int, _Process] = {}

    def lane_of(self, effect: Effect) -> BoundedLane | None:
        """Return the lane of an effect that may wait for a network or a disk; None for any other."""
        match effect:
            case Now() | Random():  # these are the most
                return None
            case Fetch() | Enter():
                return self._mine().lanes[effect.lane]
            case Lock():
                return self._mine().lanes[Lane.PROVIDER]
            case AddOnce() | LastSeen():
                return self._mine().lanes[Lane.STORE] if self.expiring_keys.blocks else None
            case _:
                return None

    def perform(self, effect: Effect) -> Any:
        """Perform `effect` and return its result."""
        match effect:
            case Now():
                return self._now()
            case Random(size):
                return self._entropy(size)
            case Fetch():
                return self._outbound(effect)
            case AddOnce(key, until):
                self._now()
                return self.expiring_keys.add_once(key, until, self._latest)
            case LastSeen(keys):
                return self.expiring_keys.last_seen(keys, int(self.clock()))
            case Lock(name):
                return self._acquire(name)
            case Release(Lock(), lock):
                lock.release()
            case Background(start):
                threading.Thread(target=self._drive, args=(start,), name="oidc_gate", daemon=True).start()
            case ReadBody() | Enter():
                raise TypeError(f"{effect!r} is performed by the driver")
            case _:
                assert_never(effect)

    def _now(self) -> int:
        """Return the time, and remember the latest time that was returned.

        Keys are stored with that latest time, so that a sign-out is not older than the sessions that this process
        started before the clock went back. If the clock went back by more than the allowed skew, it was wrong before.
        """
        now = int(self.clock())
        if not self._latest - self._skew_seconds <= now <= self._latest:
            self._latest = now
        return now

    @property
    def server_threads(self) -> ServerThreads:
        """Return the threads of a WSGI server, as far as they were seen."""
        return self._mine().threads

    def _mine(self) -> _Process:
        pid = os.getpid()
        return self._processes.get(pid) or self._processes.setdefault(pid, self._make())

    def _make(self) -> _Process:
        threads = ServerThreads()
        return _Process(threads, make_lanes(self._wait_seconds, self._prepare, threads))

    def _acquire(self, name: str) -> threading.Lock:
        lock = self._mine().locks.setdefault(name, threading.Lock())
        if lock.acquire(timeout=self._wait_seconds):
            return lock
        raise ProviderUnavailable(
            "provider_timeout", AWAY, detail=f"{name}: the request that others wait for takes too long"
        )

    def _drive(self, start: Callable[[], Step[None]]) -> None:
        try:
            run(start(), self, _no_body, in_lanes=False)
        except Exception:
            log.exception("work in the background failed: an error in oidc_gate")


def _load_libraries() -> None:
    libraries.load()


def _no_body(limit: int) -> bytes:
    return b""
