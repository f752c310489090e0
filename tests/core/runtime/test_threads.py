"""What blocks runs in threads of the gate's own, never more than sixteen of them."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from oidc_gate.runtime.threads import MAX_THREADS, off_loop


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_those_whose_request_was_cancelled_count_too(kind: str) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def perform(effect: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.1)
        with lock:
            running -= 1

    async def hurry() -> None:
        with anyio.move_on_after(0.03):
            await off_loop(perform, None)

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(3 * MAX_THREADS):
                group.start_soon(hurry)
                group.start_soon(off_loop, perform, None)

    anyio.run(crowd, backend=kind)
    assert 1 < most <= MAX_THREADS
