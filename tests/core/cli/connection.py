"""One connection to the protocol of `oidc-gate serve`, without a socket, and with a clock that the test moves."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from oidc_gate.asgi import AuthBackend
from oidc_gate.cli.verdicts import VerdictProtocol
from oidc_gate.model import Identity, Session
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from tests.core.request.making import settings

PLAIN = b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: x=1; %s\r\nAccept: */*\r\n\r\n"


class Transport(asyncio.Transport):
    """What was written, and whether the connection is closed; like a client that reads at once, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_closed = self.is_aborted = self.is_paused = False

    def write(self, data: Any) -> None:
        if not self.is_closed:
            self.sent += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Connection:
    """One connection to a server with one gate, and the cookie of a user who is signed in.

    Args:
        wrap: Is given the gate, and returns the application that is served.
        like: A connection to the same gate; a new gate if left out.
        config: Of uvicorn.
    """

    def __init__(
        self,
        wrap: Callable[[AuthBackend], Any] = lambda gate: gate,
        like: Connection | None = None,
        **config: Any,
    ) -> None:
        self.gate: AuthBackend
        self.cookie: bytes
        self.gate, self.cookie = (like.gate, like.cookie) if like else _signed_in()
        self.app = wrap(self.gate)
        loaded = Config(self.app, http=VerdictProtocol, log_level="critical", proxy_headers=False, **config)
        self.protocol = VerdictProtocol(loaded, ServerState(), {})
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> bytes:
        """Receive `pieces`, and return what was sent until nothing more is to come."""
        self.transport.sent = b""
        for piece in pieces:
            self.protocol.data_received(piece)
        self.was_immediate = bool(self.transport.sent)
        await self.settle()
        return self.transport.sent

    async def settle(self) -> None:
        """Let the application answer, as far as it can."""
        for _ in range(20):
            await asyncio.sleep(0)


def _signed_in() -> tuple[AuthBackend, bytes]:
    """Return a gate, and the cookie of a session of it."""
    given = settings(public_url="https://app.example.com", issuer="http://localhost:9")
    now = int(time.time())
    # The time stands still. If it did not, a test that comes late would find the session due for renewal.
    gate = AuthBackend(given, world=World(given, clock=lambda: now))
    runtime = gate._backends.root.runtime
    runtime.warm_up = lambda: None  # type: ignore[method-assign]
    who = Identity(given.issuer, "ada", "ada@example.com", True, session_id="sid", expires_at=now + 900)
    writing = runtime.gate.components.sessions.write(Session(who, now, now))
    _, cookies = run(writing, runtime.world, lambda limit: b"")
    return gate, cookies[0].split(";")[0].encode()


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until it is moved."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def move(self, seconds: float) -> None:
        """Move the clock, and let what is due happen."""
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


def with_clock(story: Callable[[ClockLoop], Awaitable[None]]) -> None:
    """Run `story` on a loop whose clock it moves."""
    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        loop = cast(ClockLoop, runner.get_loop())

        async def told() -> None:
            await story(loop)

        runner.run(told())


def statuses(sent: bytes) -> list[int]:
    """Return the status of every response in `sent`."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", sent)]
