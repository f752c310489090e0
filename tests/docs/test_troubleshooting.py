"""The log lines of `docs/troubleshooting.md` are what each trouble writes."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.docs.blocks import REPOSITORY, blocks_of
from tests.examples.visiting import NAVIGATION
from tests.real.ports import free_port
from tests.real.process import Server, running

pytestmark = pytest.mark.real

LINES = [
    line
    for block in blocks_of(REPOSITORY / "docs/troubleshooting.md")
    if block.language == "text"
    for line in block.text.splitlines()
]
_ID = r"[0-9a-f]+-[0-9a-f]+-[0-9a-f]+"


@contextmanager
def debugging(directory: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    port = free_port()
    argv = [
        sys.executable,
        "-m",
        "oidc_gate.cli",
        "demo",
        "examples.flask_app.app:app",
        "--log-level",
        "debug",
    ]
    with running(
        "demo",
        [*argv, "--port", str(port)],
        port=port,
        directory=directory,
        env=env,
        ready_path="/oauth2/ping",
    ) as server:
        yield server


def documented(fragment: str) -> re.Pattern[str]:
    """Return the documented line with `fragment`, whatever its request id."""
    (line,) = {re.sub(_ID, "@@", line) for line in LINES if fragment in line}
    return re.compile(re.escape(line).replace("@@", _ID))


def ask(server: Server, path: str, cookie: str = "") -> requests.Response:
    headers = NAVIGATION | ({"Cookie": cookie} if cookie else {})
    return requests.get(
        server.url.replace("127.0.0.1", "localhost") + path,
        headers=headers,
        timeout=60,
        allow_redirects=False,
    )


def test_cookies_that_do_not_come_or_do_not_open(tmp_path: Path) -> None:
    with debugging(tmp_path) as server:
        foreign = "oidc_gate=AQ" + "A" * 80
        assert ask(server, "/oauth2/auth").status_code == 401
        assert ask(server, "/reports").status_code == 401
        assert ask(server, "/reports", foreign).status_code == 401
        started = ask(server, "/oauth2/start")
        state = server_state(started)
        assert ask(server, f"/oauth2/callback?code=c&state={state}").status_code == 400
        rounds = f"oidc_gate.rounds=3.{int(time.time())}"
        assert ask(server, "/oauth2/start", rounds).status_code == 400
        assert ask(server, "/oauth2/start", f"{foreign}; {rounds}").status_code == 400
        script = requests.get(server.url + "/oauth2/sign_in", headers={"Accept": "*/*"}, timeout=60)
        assert script.status_code == 401
        log = server.log_tail()
    # On loopback the cookie has no prefix.
    log = re.sub(": oidc_gate was", ": __Host-oidc_gate was", log)
    for fragment in (
        "/oauth2/auth: 401: no_cookie",
        "/reports: 401: no_cookie",
        "/oauth2/sign_in: 401",
        "/reports: 401: seal_foreign",
        "flow_missing",
        "sign_in_loop: the session cookie does not",
        "sign_in_loop: the session cookie comes back replaced",
    ):
        assert documented(fragment).search(log), fragment


def server_state(started: requests.Response) -> str:
    """Return the `state` that the gate sent to the provider, out of the provider's answer to Ada's sign-in."""
    at_provider = requests.get(started.headers["Location"], timeout=60)
    transaction = re.search(r'name="transaction" value="([^"]+)"', at_provider.text)
    action = re.search(r'action="([^"]+)"', at_provider.text)
    assert transaction is not None
    assert action is not None
    answered = requests.post(
        urljoin(at_provider.url, action[1]),
        data={"transaction": transaction[1], "sub": "ada"},
        timeout=60,
        allow_redirects=False,
        cookies=at_provider.cookies,
    )
    found = re.search(r"[?&]state=([^&]+)", answered.headers["Location"])
    assert found is not None
    return found[1]


def test_discovery_that_fails(tmp_path: Path) -> None:
    env = {
        "OIDC_GATE_ISSUER": "http://localhost:9",
        "OIDC_GATE_CLIENT_ID": "x",
        "OIDC_GATE_CLIENT_SECRET": secrets.token_urlsafe(32),
    }
    with debugging(tmp_path, env) as server:
        answer = ask(server, "/oauth2/start")
        assert (answer.status_code, "provider_unreachable" in answer.text) == (503, True)
        assert documented("discovery of").search(server.log_tail())


def test_a_domain_that_does_not_cover_the_host(tmp_path: Path) -> None:
    env = {"OIDC_GATE_PUBLIC_URL": "https://app.example.com", "OIDC_GATE_COOKIE_DOMAIN": "other.com"}
    with pytest.raises(RuntimeError) as error, debugging(tmp_path, env):
        pass
    assert documented("cookie_domain").search(str(error.value))
