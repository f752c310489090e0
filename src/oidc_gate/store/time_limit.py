"""The limit of all calls of a store that one request makes.

Each call has a deadline of its own. A request that makes several of them would wait for the sum, so the caller sets a
time at which its calls must be over, and a store takes the earlier of both.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class _Limit(threading.local):
    until = math.inf


_limit = _Limit()


def deadline_after(seconds: float) -> float:
    """Return the time by `time.monotonic` at which a call of this thread must be over, at most `seconds` from now."""
    return min(time.monotonic() + seconds, _limit.until)


def seconds_left() -> float:
    """Return how many seconds this thread has left; infinitely many without a limit, and less than 0 after it."""
    return _limit.until - time.monotonic()


@contextmanager
def limited_until(until: float) -> Iterator[None]:
    """Limit the calls of this thread in the block: they must be over at `until`, a time by `time.monotonic`."""
    before, _limit.until = _limit.until, until
    try:
        yield
    finally:
        _limit.until = before
