"""A cache for one value of the provider, which is renewed, and served stale while the provider is down."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .. import effects
from ..effects import Fetch, Fetched, Lock, Step
from ..errors import GateError, ProviderError, ProviderUnavailable

T = TypeVar("T")

LIFETIME_SECONDS = 3600
MIN_LIFETIME_SECONDS = 300
MAX_LIFETIME_SECONDS = 86_400
RETRY_SECONDS = 10
"""How long a failure is remembered before the next attempt."""
MAX_FORCED_RENEWALS = 3
"""How many renewals on demand, for an unknown key, may follow each other at once."""
FORCED_RENEWAL_SECONDS = 60
"""The time after which one more renewal on demand is allowed."""

_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)


def lifetime(fetched: Fetched) -> int:
    """Return for how many seconds an answer is fresh.

    This is its ``max-age``, limited to 5 minutes to 1 day, or 1 hour if it has none.

    Spec: RFC 9111 §5.2.2.1.
    """
    found = _MAX_AGE.search(fetched.headers.get("cache-control", ""))
    seconds = int(found[1]) if found else LIFETIME_SECONDS
    return min(max(seconds, MIN_LIFETIME_SECONDS), MAX_LIFETIME_SECONDS)


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A valid value, and the time until which it is fresh."""

    value: T
    since: int
    until: int

    def is_fresh(self, now: int) -> bool:
        """Return whether the value is fresh. A value from the future, after the clock was set back, is not."""
        return self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure, which is kept until the next success."""

    at: int
    error: GateError


class RenewalBudget:
    """How many renewals on demand may still happen: three, and one more after each minute. It is safe under threads.

    Each kind of caller has a budget of its own, so that one kind cannot use up what another one needs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = MAX_FORCED_RENEWALS
        self._counted_at: int | None = None  # the time up to which `_left` has been increased

    def take(self, now: int) -> bool:
        """Return whether a renewal may happen now, and count it if so."""
        with self._lock:
            self._refill(now)
            if not self._left:
                return False
            self._left -= 1
            return True

    def _refill(self, now: int) -> None:
        since = self._counted_at
        if since is None or now < since:
            self._counted_at = now  # after the clock was set back, the next minute begins now
            return
        minutes = (now - since) // FORCED_RENEWAL_SECONDS
        self._left = min(MAX_FORCED_RENEWALS, self._left + minutes)
        self._counted_at = since + minutes * FORCED_RENEWAL_SECONDS


class RefreshingCache(Generic[T]):
    """A cache for one value. Its fields are replaced as a whole, under a lock that is never held across a ``yield``.

    Args:
        name: The name of the value, for the lock that allows one request at a time to ask for it.
        request: Builds the request.
        process: Converts the answer to the value, or raises a `GateError`. It is given the previous value, or None.
        on_success: Called with the previous value, or None, and the new one.
        on_failure: Called once for each failed attempt, however many callers waited for it.
    """

    def __init__(
        self,
        name: str,
        request: Callable[[], Step[Fetch]],
        process: Callable[[Fetched, T | None], T],
        *,
        on_success: Callable[[T | None, T], None],
        on_failure: Callable[[GateError, bool], None],
    ) -> None:
        self._turn = Lock(name)
        self._request, self._process = request, process
        self._on_success, self._on_failure = on_success, on_failure
        self._lock = threading.Lock()
        self._held: Held[T] | None = None
        self._failure: Failure | None = None
        self._tried_at: int | None = None  # the last attempt to renew the value
        self._under_way = 0
        self._attempts = 0  # the number of attempts that have ended

    @property
    def held(self) -> Held[T] | None:
        """Return the cached value, fresh or stale."""
        return self._held

    @property
    def failure(self) -> Failure | None:
        """Return the failure since the last success, if there is one."""
        return self._failure

    def get(self) -> Step[T]:
        """Return the value: a fresh one, or a renewed one, or the stale one.

        Raises:
            ProviderUnavailable: There has never been a value, and the provider does not answer.
            ProviderError: There has never been a value, and the answer is not acceptable.
            QueueFull: There has never been a value, and too many requests wait for it.
        """
        now = yield from effects.now()
        attempts = self._attempts  # read before the value: an attempt that ends in between is not repeated
        held = self._held
        if held is not None and (held.is_fresh(now) or not self._may_renew(now)):
            return held.value
        self.check(now)
        try:
            return (yield from self._renew(attempts))
        except GateError:
            if held is None:
                raise
            return held.value

    def get_newer(self, tried: T, budget: RenewalBudget) -> Step[T]:
        """Return a newer value than `tried` if there may be one, and `tried` otherwise.

        Callers that arrive during a request wait for its answer.

        Args:
            budget: Counts the requests that this kind of caller causes, and allows no more of them.
        """
        now = yield from effects.now()
        attempts = self._attempts
        held = self._held
        if held is not None and held.value is not tried:
            return held.value
        try:
            if self._under_way:
                # not counted as under way itself, because a chain of such callers would never end
                return (yield from effects.holding(self._turn, self._load(attempts)))
            if budget.take(now):
                return (yield from self._renew(attempts))
        except GateError:
            pass
        return tried

    def _renew(self, attempts: int) -> Step[T]:
        with self._lock:
            self._under_way += 1
        try:
            return (yield from effects.holding(self._turn, self._load(attempts)))
        finally:
            with self._lock:
                self._under_way -= 1

    def _load(self, attempts: int) -> Step[T]:
        """Return the provider's answer to this request, or to one that was ahead of it in the queue.

        Args:
            attempts: The number of attempts that had ended when this caller arrived.
        """
        if attempts != self._attempts:
            return self._outcome()
        request = yield from self._request()
        try:
            value, seconds = yield from self._exchange(request)
        except GateError as error:
            self._fail(error, (yield from effects.now()))
            raise
        return self._keep(value, (yield from effects.now()), seconds)

    def _exchange(self, request: Fetch) -> Step[tuple[T, int]]:
        fetched = yield from effects.fetch(request)
        held = self._held
        return self._process(fetched, held.value if held else None), lifetime(fetched)

    def _outcome(self) -> T:
        """Return the result of the last attempt, or raise its error."""
        with self._lock:
            held, failure = self._held, self._failure
        if failure is not None:
            raise again(failure.error, 0)
        assert held is not None
        return held.value

    def _keep(self, value: T, now: int, seconds: int) -> T:
        with self._lock:
            before = self._held.value if self._held else None
            if before == value and before is not None:
                value = before
            self._held = Held(value, now, now + seconds)
            self._failure = None
            self._attempts += 1
        if value is not before:
            self._on_success(before, value)
        return value

    def _fail(self, error: GateError, now: int) -> None:
        with self._lock:
            self._attempts += 1
            self._failure = Failure(now, again(error, 0))
        self._on_failure(error, self._held is not None)

    def _may_renew(self, now: int) -> bool:
        with self._lock:
            if is_within(self._tried_at, now, RETRY_SECONDS):
                return False
            self._tried_at = now
            return True

    def check(self, now: int) -> None:
        """Raise an error if there is no value, and an attempt failed within the last `RETRY_SECONDS`.

        Raises:
            ProviderUnavailable, ProviderError: The error of that attempt.
        """
        failure = self._failure
        if self._held is not None or failure is None or not is_within(failure.at, now, RETRY_SECONDS):
            return
        raise again(failure.error, failure.at + RETRY_SECONDS - now)


def again(error: GateError, wait: float) -> GateError:
    """Return a copy of `error`, to be raised again, that asks the client to wait for at least `wait` seconds."""
    # A new exception each time: one that is raised twice keeps the frames of the first time.
    if isinstance(error, ProviderUnavailable):
        return ProviderUnavailable(
            error.code,
            error.public_message,
            detail=error.detail,
            retry_after_seconds=max(wait, error.retry_after_seconds),
        )
    return ProviderError(error.code, error.public_message, detail=error.detail)


def is_within(moment: int | None, now: int, seconds: int) -> bool:
    """Return whether `moment` was less than `seconds` before `now`. A moment in the future was not."""
    return moment is not None and 0 <= now - moment < seconds
