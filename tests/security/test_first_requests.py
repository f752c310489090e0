"""oidc_gate, 2026-11: the first sign-ins of a fresh worker come together, and each is answered.

Authlib's modules, imported by four starts and four callbacks at once, failed in every second process: the user saw the
server's bare 500.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.testing import TestProvider
from tests.real.process import environment
from tests.security.conftest import SHELLS
from tests.security.live import CLIENT_ID, CLIENT_SECRET, LiveSite, client
from tests.shells.site import ORIGIN, Visitor

FRESH_WORKER = Path(__file__).with_name("fresh_worker.py")
PROCESSES = 10
PATIENCE_SECONDS = 30.0

Requests = list[tuple[str, str]]


@pytest.fixture
def live() -> Iterator[LiveSite]:
    """A site of the same settings in this process, where sign-ins begin that end in the fresh worker."""
    with TestProvider(auto_login="alice") as op:
        op.register(client())
        yield LiveSite(SHELLS["wsgi"], op, provider_timeout_seconds=PATIENCE_SECONDS)


def cookies_of(visitor: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def callback(live: LiveSite) -> tuple[str, str]:
    """Return target and ``Cookie`` of a callback that ends a sign-in."""
    visitor = live.visitor()
    started = visitor.navigate("/oauth2/start?rd=/page")
    return live.provider.authorize(started.header("location")).removeprefix(ORIGIN), cookies_of(visitor)


def ask_fresh_worker(shell: str, live: LiveSite, requests: Requests, **more: Any) -> list[Any]:
    settings = {
        "issuer": live.settings.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "cookie_secret": list(live.settings.cookie_secret),
        "public_url": ORIGIN,
        "scopes": list(live.settings.scopes),
        "provider_timeout_seconds": PATIENCE_SECONDS,
        "insecure_single_process_revocation": True,
    }
    done = subprocess.run(
        [sys.executable, str(FRESH_WORKER)],
        input=json.dumps({"shell": shell, "settings": settings, "requests": requests} | more),
        env=environment(),
        text=True,
        capture_output=True,
        timeout=4 * PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("shell", ["wsgi", "asgi"])
def test_first_sign_ins_that_come_together(shell: str, live: LiveSite) -> None:
    alice = cookies_of(live.person())
    for _ in range(PROCESSES):
        requests = [("/oauth2/start?rd=/page", "")] * 4 + [callback(live) for _ in range(4)]
        requests += [("/page", ""), ("/page", alice), ("/oauth2/sign_in", ""), ("/oauth2/sign_out", alice)]
        answers = ask_fresh_worker(shell, live, requests)
        assert [status for status, _ in answers] == [302] * 8 + [401, 200, 401, 200], answers
        assert all(location.startswith(live.settings.issuer) for _, location in answers[:4])
        assert all(location == "/page" for _, location in answers[4:8])


SESSION = {"/page", "/oauth2/sign_out", "/oauth2/sign_in", "/oauth2/auth", "/oauth2/userinfo"}
PATHS = [
    *(
        "/page",
        "/oauth2/start",
        "/oauth2/callback",
        "/oauth2/sign_in",
        "/oauth2/sign_out",
        "/oauth2/signed_out",
    ),
    *("/oauth2/signed_out?state=1.2", "/oauth2/auth", "/oauth2/forward", "/oauth2/userinfo", "/oauth2/ready"),
    *(
        "/oauth2/unavailable",
        "/oauth2/ping",
        "/oauth2/static/gate.css",
        "/oauth2/frontchannel_logout",
        "/oauth2/no",
    ),
    "POST /oauth2/backchannel_logout",
]


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_no_request_imports_outside_of_the_one_place(path: str, live: LiveSite) -> None:
    """The same without luck: in a worker that serves its first request, `libraries.load` alone imports."""
    if path == "/oauth2/callback":
        requests = [callback(live)]
    else:
        requests = [(path, cookies_of(live.person()) if path in SESSION else "")]
    assert ask_fresh_worker("watched", live, requests) == []
