"""The counts of one gate in one process. `oidc_gate.runtime.totals` adds up those of all processes.

Counts are plain numbers in a dict, by the name of the metric and its labels. The short path has a plain integer of its
own (`oidc_gate.shells.common.Runtime.admitted`), which is read when the metrics are requested. Nothing here needs
``prometheus_client``: `oidc_gate.observe.exposition` writes the numbers in Prometheus's format.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TypeVar

from ..effects import Fetch, Fetched, Lane
from ..errors import GateError
from ..model import Allow, Decision

T = TypeVar("T")
Key = tuple[str, ...]
"""The name of a metric, and the values of its labels."""
Counts = dict[Key, float]

BUCKETS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)  # seconds, as prometheus_client's own
# More keys than there are codes: the codes of errors are literals in the source, never text of a client.
MAX_KEYS = 2000
_OTHER = "other"


class Metrics:
    """The counts of one gate in this process. They are safe under threads, and begin at zero after a fork.

    Args:
        clock: A monotonic clock in seconds.
    """

    _bounds = (*map(repr, BUCKETS), "+Inf")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counts = {}
        self._admitted: list[tuple[Callable[[], int], int]] = []
        self._gauges: dict[object, Callable[[], Counts]] = {}
        _living.add(self)

    def decided(self, decision: Decision, is_callback: bool) -> None:
        """Count a decision, and its notes: the same events as in the log.

        Args:
            is_callback: Whether it is the answer to an authorization response.
        """
        reason = decision.reason
        status = 202 if isinstance(decision, Allow) else decision.status
        verdict = "allowed" if status == 202 else str(status)
        keys: list[Key] = [("decisions", verdict, reason.code)]
        keys += [("notes", note.code) for note in reason.notes]
        if is_callback:
            is_signed_in = reason.code == "sign_in_completed"
            keys.append(("sign_ins", "completed" if is_signed_in else reason.code))
        with self._lock:
            for key in keys:
                self._add(key, 1)

    def fetch(self, perform: Callable[[Fetch], Fetched], effect: Fetch) -> Fetched:
        """Perform a request to the provider, and measure it."""
        began, result, kind = self._clock(), "failed", kind_of(effect)
        try:
            fetched = perform(effect)
            result = "ok" if fetched.status < 400 else "refused"
            return fetched
        finally:
            self._measured("provider", kind, result, self._clock() - began)

    def store(self, name: str, call: Callable[[], T]) -> T:
        """Call the store, and measure it."""
        began, result = self._clock(), "ok"
        try:
            return call()
        except Exception as error:
            result = error.code if isinstance(error, GateError) else "error"
            raise
        finally:
            self._measured("store", name, result, self._clock() - began)

    def add_admitted(self, admitted: Callable[[], int]) -> None:
        """Include a counter of requests that the short path answered."""
        with self._lock:
            self._admitted.append((admitted, admitted()))

    def retire(self, admitted: Callable[[], int]) -> None:
        """Add the value of a counter to the counts, and do not read it any more."""
        with self._lock:
            # Compared by value: a bound method is a new object each time.
            for entry in [entry for entry in self._admitted if entry[0] == admitted]:
                self._admitted.remove(entry)
                self._add(("short_path",), admitted() - entry[1])

    def add_gauges(self, of: object, gauges: Callable[[], Counts]) -> None:
        """Include gauges, such as the number of requests that wait.

        Args:
            of: The object that the gauges describe. It is included once, however often it is added.
        """
        self._gauges.setdefault(of, gauges)

    def counts(self) -> Counts:
        """Return everything that was counted in this process."""
        with self._lock:
            counts = dict(self._counts)
            admitted = sum(read() - start for read, start in self._admitted)
        counts["short_path",] = counts.get(("short_path",), 0) + admitted
        return counts

    def gauges(self) -> Counts:
        """Return the current values of the gauges."""
        return add_up(read() for read in tuple(self._gauges.values()))

    def forked(self) -> None:
        """Begin at zero in a child process. What was counted before the fork is counted by the parent."""
        self._lock = threading.Lock()
        self._counts = {}
        self._admitted = [(read, read()) for read, _ in self._admitted]

    def _measured(self, metric: str, kind: str, result: str, seconds: float) -> None:
        bound = self._bounds[bisect_left(BUCKETS, seconds)]
        with self._lock:
            self._add((metric, kind, result), 1)
            for each in self._bounds:  # all of them from the first time on, or rates would begin too late
                self._add((metric + "_bucket", kind, each), each == bound)
            self._add((metric + "_seconds", kind), seconds)

    def _add(self, key: Key, amount: float) -> None:
        counts = self._counts
        if key not in counts and len(counts) >= MAX_KEYS:
            key = (key[0], *[_OTHER] * (len(key) - 1))
        counts[key] = counts.get(key, 0) + amount


def kind_of(effect: Fetch) -> str:
    """Return what a request to the provider is for."""
    body = effect.body or b""
    if effect.lane is Lane.PUSHED:
        return "pushed_request"
    if b"token_type_hint=" in body:
        return "revocation"
    if effect.method == "POST":
        return "refresh" if b"grant_type=refresh_token" in body else "token"
    if "/.well-known/" in effect.url:
        return "discovery"
    return "userinfo" if any(name.lower() == "authorization" for name, _ in effect.headers) else "keys"


def add_up(counts: Iterable[Counts]) -> Counts:
    """Return the sum of several counts, key by key."""
    total: Counts = {}
    for each in counts:
        for key, value in each.items():
            total[key] = total.get(key, 0) + value
    return total


_living: weakref.WeakSet[Metrics] = weakref.WeakSet()


def _forked() -> None:
    for metrics in list(_living):
        metrics.forked()


os.register_at_fork(after_in_child=_forked)
