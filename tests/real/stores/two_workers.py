"""A site with two workers, while the store of its sessions is in trouble, and what its users may see of that.

Every answer is one of those that a drill allows, comes within two seconds, and is never an error of the application or
a loop of sign-ins. Afterwards the session is there again if the store still has it, and users can sign in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.real.behind_nginx import NAVIGATION, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import serving
from tests.real.stores.visits import (
    SCRIPT,
    Visit,
    provider_for,
    sign_in,
    sign_out,
    try_to_sign_in,
    until,
    visit,
)

PROMISED_SECONDS = 2.0
LAG_SECONDS = 1.0
"""How long a worker serves what it remembers while it does not hear the store (`revocation_lag_seconds`)."""
PATIENCE_SECONDS = 2.0
"""How much longer than promised an answer may take on a busy machine."""
OPTIONS = {"gunicorn-gthread": ("--workers=2", "--preload"), "uvicorn": ("--workers=2",)}
APPS = {"gunicorn-gthread": "tests.real.which_worker:wsgi", "uvicorn": "tests.real.which_worker:asgi"}
PATHS = ("/reports", "/oauth2/auth", "/oauth2/userinfo")


class Site(NamedTuple):
    """A site whose users `ada`, who stays, and `bob`, who signed out, have cookies."""

    port: int
    server: Server
    ada: dict[str, str]
    bob: dict[str, str]

    def check_while_broken(self, allowed: set[int]) -> set[int]:
        """Send each kind of request once, and return the statuses of ada's."""
        found = [
            visit(self.port, self.ada, path, headers) for path in PATHS for headers in (SCRIPT, NAVIGATION)
        ]
        for each in found:
            self._check(each, allowed | {503} | ({202} if 200 in allowed else set()))
        self._check(visit(self.port, self.bob), {401, 503})
        self._check(visit(self.port, {}), {401})
        return {each.status for each in found}

    def try_to_sign_in(self) -> int:
        """Go through a sign-in, and return the status at which it ends."""
        return try_to_sign_in(self.port, 2 * (PROMISED_SECONDS + PATIENCE_SECONDS))

    def check_afterwards(self, status: int) -> None:
        """Wait until the store is there again: ada's session has this status, bob has none, and users sign in."""
        until("the store", lambda: visit(self.port, self.ada).status == status)
        until("a sign-in", lambda: self.try_to_sign_in() == 200)
        for _ in range(6):
            assert visit(self.port, self.ada).status == status
            assert visit(self.port, self.bob).status == 401

    @staticmethod
    def _check(found: Visit, allowed: set[int]) -> None:
        assert found.status in allowed, found
        assert (found.status == 503) == bool(found.retry_after), found
        assert found.seconds < PROMISED_SECONDS + PATIENCE_SECONDS, found


@contextmanager
def site(kind: str, url: str, directory: Path, **settings: str) -> Iterator[Site]:
    port = free_port()
    with provider_for(port) as op:
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url, **settings)
        options = OPTIONS[kind]
        with serving(kind, APPS[kind], directory=directory, env=env, port=port, options=options) as server:
            ada, bob = sign_in(port), sign_in(port)
            sign_out(port, bob)
            for _ in range(6):  # both workers
                assert visit(port, ada).status == 200
            yield Site(port, server, ada, bob)
