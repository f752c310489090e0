"""Drills: users keep coming while a store fails, and what they see is checked as a whole.

Whatever fails, a user who signed out is never admitted, a signed-in user is admitted or gets 503 with ``Retry-After``
in time, no answer is a 500, and everything works again afterwards.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.real.process import Server
from tests.real.redis_server import client_of, redis_server
from tests.real.stores.visits import (
    SCRIPT,
    Visit,
    sign_in,
    sign_out,
    try_to_sign_in,
    until,
    until_seen_by,
    visit,
)

LIMIT_SECONDS = 6.0
"""The gate promises two seconds; the rest is for a busy machine. What hangs would last for 10 s or more."""
PATHS = ("/reports", "/oauth2/auth", "/oauth2/userinfo")
FORGED = {"oidc_gate": "A" * 107}


@dataclass
class Drill:
    """What users of a site see during one fault.

    Args:
        ports: Of the gates. The first one is the site's own address.
        kept: Cookies of a user who stays signed in.
        ended: Cookies of a user who has signed out.
        may_lose: Whether the store itself loses its sessions.
        may_refuse: Whether sessions may be refused while the fault lasts, and count again after it.
        limit_seconds: How long an answer may take.
    """

    ports: Sequence[int]
    kept: dict[str, str]
    ended: dict[str, str]
    may_lose: bool = False
    may_refuse: bool = False
    limit_seconds: float = LIMIT_SECONDS
    seen: list[tuple[str, str, Visit]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self, port: int) -> None:
        """Send requests of each kind of user until the drill is over."""
        number = 0
        while not self._stop.is_set():
            path = PATHS[number % len(PATHS)]
            for who, cookies in (("kept", self.kept), ("ended", self.ended), ("forged", FORGED)):
                self.seen.append((who, path, _visit(port, cookies, path)))
            number += 1
            time.sleep(0.02)

    def until(self, status: int, *ports: int) -> None:
        """Wait until the signed-in user gets `status` at each gate, or at those on `ports`, and has got it in `seen`.

        Without the second, a fault could be over before a user of `watch` comes.
        """
        before = self.statuses("kept")[status]
        for port in ports or self.ports:
            until(f"{status} at {port}", lambda port=port: _visit(port, self.kept).status == status)  # type: ignore[misc]
        until(f"{status} for the users who come", lambda: self.statuses("kept")[status] > before)

    def try_to_sign_in(self) -> int:
        """Go through a sign-in, and return the status at its end."""
        return try_to_sign_in(self.ports[0], 2 * self.limit_seconds)  # a redirect and a callback

    def finish(self) -> None:
        self._stop.set()

    def statuses(self, who: str) -> Counter[int]:
        return Counter(found.status for whom, _, found in self.seen if whom == who)

    def check(self) -> None:
        """Check everything that was seen."""
        allowed = {
            "kept": {200, 202, 503} | ({401} if self.may_lose or self.may_refuse else set()),
            "ended": {401, 503},
            "forged": {401},
        }
        for who, path, found in self.seen:
            assert found.status in allowed[who], (who, path, found)
            assert found.seconds < self.limit_seconds, (who, path, found)
            assert found.status != 503 or found.retry_after, (who, path, found)

    def recovers(self) -> None:
        """Wait until everything works again."""
        self.until(401 if self.may_lose else 200)
        for port in self.ports:
            until("refusal", lambda port=port: _visit(port, self.ended).status == 401)  # type: ignore[misc]
        until("a sign-in", lambda: self.try_to_sign_in() == 200)


@contextmanager
def drill(
    *ports: int, may_lose: bool = False, may_refuse: bool = False, limit_seconds: float = LIMIT_SECONDS
) -> Iterator[Drill]:
    """Let users come during the block, and check what they saw, and that everything works after it."""
    kept, ended = sign_in(ports[0]), sign_in(ports[0])
    for port in ports:
        until_seen_by(port, kept, 1)
        until_seen_by(port, ended, 1)
    sign_out(ports[0], ended)
    for port in ports:
        until("the sign-out", lambda port=port: _visit(port, ended).status == 401)  # type: ignore[misc]
    now = Drill(ports, kept, ended, may_lose, may_refuse, limit_seconds)
    threads = [threading.Thread(target=now.watch, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    try:
        yield now
        now.recovers()
    finally:
        now.finish()
        for thread in threads:
            thread.join()
    now.check()


def _visit(port: int, cookies: dict[str, str], path: str = "/reports") -> Visit:
    """Send one request. A connection that breaks is an answer with the status 0, which no check allows."""
    started = time.monotonic()
    try:
        return visit(port, cookies, path, SCRIPT)
    except requests.RequestException as error:
        return Visit(0, "", time.monotonic() - started, "", str(error))


class Redis:
    """A Redis that can be killed and started again on its port. It keeps every write, unless it is told to forget."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory, self.port = directory, port
        self._running = ExitStack()
        self._server: Server | None = None

    def start(self, *options: str) -> None:
        self._server = self._running.enter_context(
            redis_server(*options, directory=self._directory, port=self.port, keeps=True)
        )

    def kill(self, *, forgets: bool = False) -> None:
        assert self._server is not None
        os.killpg(self._server.process.pid, signal.SIGKILL)
        self._server.process.wait()
        self._running.close()
        if forgets:
            for file in (self._directory / "appendonlydir").iterdir():
                file.unlink()

    @contextmanager
    def paused(self) -> Iterator[None]:
        assert self._server is not None
        os.kill(self._server.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._server.process.pid, signal.SIGCONT)

    def ask(self, *command: object) -> object:
        with client_of(self.port) as client:
            return client.execute_command(*command)

    def close(self) -> None:
        self._running.close()
