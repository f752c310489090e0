"""Which event loop runs in a thread, and how it is woken from another."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest
import trio

from oidc_gate.runtime.loops import in_thread, is_on_a_loop, setter_of


def test_no_loop_runs_in_a_plain_thread() -> None:
    assert is_on_a_loop() is False


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_loop_runs_in_its_own_thread_only(kind: str) -> None:
    async def look() -> tuple[bool, bool]:
        return is_on_a_loop(), await in_thread(is_on_a_loop)

    found = trio.run(look) if kind == "trio" else asyncio.run(look())
    assert found == (True, False)


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_event_is_set_from_another_thread_until_the_loop_is_closed(kind: str) -> None:
    setters = []

    async def wait() -> bool:
        event = anyio.Event()
        setters.append(setter_of(event))
        threading.Thread(target=setters[0]).start()
        with anyio.fail_after(60):
            await event.wait()
        return event.is_set()

    assert (trio.run(wait) if kind == "trio" else asyncio.run(wait())) is True
    with pytest.raises(RuntimeError):
        setters[0]()


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_cancelled_caller_does_not_wait_for_its_thread(kind: str) -> None:
    may_end = threading.Event()

    async def give_up() -> bool:
        with anyio.move_on_after(0.01) as scope:
            await in_thread(lambda: may_end.wait(60))
        return scope.cancelled_caught

    try:
        assert anyio.run(give_up, backend=kind) is True
    finally:
        may_end.set()
