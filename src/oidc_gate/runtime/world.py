"""The world: performs the effects of the core."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, assert_never

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
    ReadMetrics,
    Release,
    Step,
    StoreCall,
    TakeLease,
    WaitFor,
)
from ..errors import GateError, ProviderUnavailable, QueueFull
from ..settings import Settings
from ..store.base import Store, unavailable
from ..store.expiring_keys import MemoryKeys
from ..store.shared_keys import SharedKeys
from . import libraries, tracing
from .driver import run
from .http import AWAY, Outbound
from .leases import HeldLease
from .metrics import Counts, Metrics
from .store import store_of
from .threads import MAX_THREAD_WAIT_SECONDS, BoundedLane, ServerThreads, make_lanes
from .totals import Totals, prepare_directory

log = logging.getLogger("oidc_gate")
T = TypeVar("T")

# A request waits in a queue, or for a lock, a little longer than the exchange that it waits for.
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Process:
    """The locks and lanes of one process. A child process gets new ones, because those of the parent may be held."""

    threads: ServerThreads
    lanes: dict[Lane, BoundedLane]
    locks: dict[str, threading.Lock] = field(default_factory=dict)


class World:
    """The clock, the randomness, the network and the store of one gate. It is safe under threads.

    Args:
        store: The session store, or the store of revocations; by default the one that the settings name, if any.
        expiring_keys: The store for expiring keys; by default the store, or the memory of this process.
        outbound: Performs a `Fetch`; by default over the network.
        clock: Returns epoch seconds.
        entropy: Returns the given number of unpredictable bytes.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        expiring_keys: ExpiringKeys | None = None,
        outbound: Callable[[Fetch], Fetched] | None = None,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.store = store_of(settings) if store is None else store
        own_keys = MemoryKeys() if self.store is None else SharedKeys(self.store)
        self.expiring_keys: ExpiringKeys = own_keys if expiring_keys is None else expiring_keys
        self._outbound = Outbound(settings).perform if outbound is None else outbound
        self._prepare = _load_libraries if outbound is None else None
        self.clock, self._entropy = clock, entropy
        self._wait_seconds = settings.provider_timeout_seconds + _GRACE_SECONDS
        self._latest, self._skew_seconds = 0, settings.clock_skew_seconds
        self._processes: dict[int, _Process] = {}
        self.metrics: Metrics | None = None
        self.totals: Totals | None = None
        if settings.metrics_token is not None:
            self._count(settings)

    def _count(self, settings: Settings) -> None:
        """Count from now on."""
        libraries.load_metrics()
        directory = settings.metrics_directory
        self.metrics = metrics = Metrics()
        self.totals = Totals(metrics, None if directory is None else prepare_directory(directory))
        self._outbound = partial(metrics.fetch, self._outbound)
        metrics.add_gauges(self, self._lane_gauges)

    def _lane_gauges(self) -> Counts:
        found: Counts = {}
        for lane, bounded in self._mine().lanes.items():
            found["lane_places", lane.value], found["lane_waiting", lane.value] = bounded.load()
        return found

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
            case StoreCall() | TakeLease() | Release(TakeLease()):
                blocks = self.store is not None and self.store.blocks
                return self._mine().lanes[Lane.STORE] if blocks else None
            case _:
                return None

    def perform(self, effect: Effect) -> Any:
        """Perform `effect` and return its result."""
        match effect:
            case Now(is_latest):
                now = self._now()
                return self._latest if is_latest else now
            case Random(size):
                return self._entropy(size)
            case Fetch():
                return tracing.fetch(self._outbound, effect)
            case AddOnce(key, until):
                self._now()
                add_once = partial(self.expiring_keys.add_once, key, until, self._latest)
                return self._measured("add_once", add_once) if self.expiring_keys.blocks else add_once()
            case LastSeen(keys):
                last_seen = partial(self.expiring_keys.last_seen, keys, int(self.clock()))
                return self._measured("last_seen", last_seen) if self.expiring_keys.blocks else last_seen()
            case Lock(name):
                return self._acquire(name)
            case StoreCall(call):
                return self._measured("call", lambda: self._call_store(call))
            case TakeLease(name, ttl_seconds):
                return self._measured(
                    "lease", lambda: self._call_store(lambda store: HeldLease.take(store, name, ttl_seconds))
                )
            case Release(_, held):
                if held is not None:  # a lock, or a lease
                    held.release()
            case ReadMetrics():
                return {} if self.totals is None else self.totals.read()
            case Background(start):
                threading.Thread(target=self._drive, args=(start,), name="oidc_gate", daemon=True).start()
            case WaitFor():
                return self._wait(effect)
            case ReadBody() | Enter():
                raise TypeError(f"{effect!r} is performed by the driver")
            case _:
                assert_never(effect)

    def _wait(self, effect: WaitFor) -> bool:
        """Wait in a thread of the server, and return whether the signal was set.

        Raises:
            QueueFull: It was not set in half a second, and few threads are left.
        """
        with self.server_threads.holding() as is_free:
            seconds = effect.seconds if is_free else min(effect.seconds, MAX_THREAD_WAIT_SECONDS)
            if effect.signal.wait(seconds) or is_free:
                return effect.signal.is_set()
        message = "This service is very busy at the moment."
        raise QueueFull("wait_line_full", message, detail="few threads are left", retry_after_seconds=1)

    def _measured(self, name: str, call: Callable[[], T]) -> T:
        measured = call if self.metrics is None else partial(self.metrics.store, name, call)
        return tracing.store(name, measured)

    def _call_store(self, call: Callable[[Store], Any]) -> Any:
        """Call the store. If it raises an error that stores must not raise, raise `StoreUnavailable`."""
        if self.store is None:
            raise TypeError("there is no session store")
        try:
            return call(self.store)
        except GateError:
            raise
        except Exception as error:
            log.exception("an error in the session store, %s", self.store.describe())
            raise unavailable(f"{type(error).__name__} in the store") from error

    def _now(self) -> int:
        """Return the time, and record the latest time that was returned.

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
