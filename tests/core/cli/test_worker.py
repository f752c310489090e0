"""The life of a worker of `oidc-gate serve`, in the process of the test: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Any

import pytest
import uvicorn

from oidc_gate.cli.supervisor import Pipes
from oidc_gate.cli.worker import _Server


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    try:
        return await asyncio.wait_for(reader.readline(), 60)
    finally:
        writer.close()


@pytest.mark.parametrize("end", ["SIGTERM", "the parent is gone"])
def test_a_worker_serves_until_it_must_end(end: str) -> None:
    handlers: dict[int, Any] = {}
    ready_out, ready_in = os.pipe()
    parent_out, parent_in = os.pipe()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler = handlers.__setitem__  # type: ignore[assignment, method-assign]
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=60)
        server = _Server(config, Pipes(ready_in, parent_out))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            assert await loop.run_in_executor(None, os.read, ready_out, 1) == b"1"
            assert list(handlers) == [signal.SIGTERM]
            assert await answer(port) == b"HTTP/1.1 204 No Content\r\n"
            if end == "SIGTERM":
                handlers[signal.SIGTERM]()
            else:
                os.close(parent_in)
            await asyncio.wait_for(serving, 60)
            assert not loop.remove_reader(parent_out)
            assert all(not each.is_serving() for each in server.servers)

    before = signal.getsignal(signal.SIGINT)
    try:
        asyncio.run(story())
    finally:
        for descriptor in (ready_out, ready_in, parent_out, *([parent_in] if end == "SIGTERM" else [])):
            os.close(descriptor)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_parent_that_is_gone_already_is_no_error() -> None:
    ready_out, ready_in = os.pipe()
    parent_out, parent_in = os.pipe()
    os.close(ready_out)
    os.close(parent_in)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler = lambda *given: None  # type: ignore[method-assign]
        server = _Server(
            uvicorn.Config(app, log_level="critical", lifespan="off"), Pipes(ready_in, parent_out)
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await asyncio.wait_for(server.serve(sockets=[listener]), 60)

    try:
        asyncio.run(story())
    finally:
        for descriptor in (ready_in, parent_out):
            os.close(descriptor)


def test_a_connection_that_was_just_accepted_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[object] = []

    class Listening:
        def close(self) -> None:
            did.append("close")

    async def sleep(seconds: float) -> None:
        did.append(seconds)

    async def shutdown(self: Any, sockets: Any = None) -> None:
        did.append(sockets)

    monkeypatch.setattr(uvicorn.Server, "shutdown", shutdown)
    monkeypatch.setattr("oidc_gate.cli.worker.asyncio.sleep", sleep)
    server = _Server(uvicorn.Config(app), Pipes(-1, -1))
    server.servers = [Listening()]  # type: ignore[list-item]
    step = server.shutdown(["sockets"])  # type: ignore[list-item]
    with pytest.raises(StopIteration):
        step.send(None)
    assert did == ["close", 0.05, ["sockets"]]
