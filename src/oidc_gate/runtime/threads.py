"""What blocks, off the event loop: in threads of the gate's own, at most sixteen, under asyncio and trio alike."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

MAX_THREADS = 16

_limiters: list[RunVar[CapacityLimiter]] = []


async def off_loop(go_on: Callable[[Any], Any], effect: Any) -> Any:
    """Call `go_on` with `effect` in a thread and return its result.

    The thread is not one of the application's pool: `anyio` keeps idle threads apart from the loop's default
    executor, and the limiter is ours alone. Who is cancelled waits for the thread, which the provider's timeout
    bounds, once for each of the few exchanges of a sign-in: an abandoned one would run on and not be counted.
    """
    return await to_thread.run_sync(go_on, effect, limiter=_limiter())


def _limiter() -> CapacityLimiter:
    """Return the limiter of the running event loop."""
    if not _limiters:
        _limiters.append(RunVar("oidc_gate_limiter"))
    try:
        return _limiters[0].get()
    except LookupError:
        limiter = CapacityLimiter(MAX_THREADS)
        _limiters[0].set(limiter)
        return limiter


def is_on_a_loop() -> bool:
    """Tell whether an event loop runs in this thread."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return trio is not None and bool(trio.lowlevel.in_trio_run())
