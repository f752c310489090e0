"""Sessions that are refreshed, in several processes, at the certified npm oidc-provider and at the test provider."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from oidc_gate.testing import Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, NAVIGATION, gate_environment
from tests.real.op_node import NodeProvider, client, node_provider
from tests.real.ports import free_port
from tests.real.servers import WSGI_SERVERS, serving
from tests.real.stores.visits import provider_for, repeatedly, sign_in, until, until_seen_by, visit

WORKERS = 4
SERVERS = {"gunicorn-gthread": ("--workers=4",), "uvicorn": ("--workers=4",)}
TOKEN_SECONDS, MIN_SECONDS = 24, 2
DUE, EXPIRED = TOKEN_SECONDS // 2, TOKEN_SECONDS - MIN_SECONDS
AT_ONCE, EACH = 100, 10


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def node(port: int, tmp_path: Path) -> Iterator[NodeProvider]:
    """A provider that replaces refresh tokens, and revokes the grant if one is used again."""
    settings = {"rotateRefreshToken": True, "ttl": {"AccessToken": TOKEN_SECONDS, "RefreshToken": 3600}}
    with node_provider(
        [client(f"http://localhost:{port}{CALLBACK}")], directory=tmp_path, settings=settings
    ) as op:
        yield op


def refreshes(op: NodeProvider) -> int:
    return op.server.log.read_text().count("grant.success refresh_token")


def sign_in_at(port: int, login: str = "alice") -> dict[str, str]:
    """Go through the whole flow with the provider's forms, and return the cookies of the site."""
    browser = requests.Session()
    site = f"http://localhost:{port}/"
    page = browser.get(f"{site}oauth2/start?rd=/reports", headers=NAVIGATION, timeout=60)
    for _ in range(12):
        if page.url.startswith(site):
            assert page.status_code == 200, page.text
            return {name: value for name, value in browser.cookies.items() if "oidc_gate" in name}
        action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert action is not None, page.text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        fields |= {"login": login, "password": "any"} if 'name="login"' in page.text else {}
        page = browser.post(urljoin(page.url, unescape(action[1])), data=fields, timeout=60)
    raise AssertionError(f"still at the provider: {page.url}")


def many(port: int, cookies: dict[str, str]) -> Counter[int]:
    """Send 1,000 requests, a hundred at once, and return how often each status came."""
    found: Counter[int] = Counter()
    gate = threading.Barrier(AT_ONCE)

    def ask() -> None:
        with requests.Session() as http:
            gate.wait(60)
            for _ in range(EACH):
                answer = http.get(
                    f"http://localhost:{port}/reports",
                    headers={"Accept": "*/*"},
                    cookies=cookies,
                    timeout=60,
                    allow_redirects=False,
                )
                found[answer.status_code] += 1

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return found


@pytest.mark.parametrize("kind", SERVERS)
def test_a_thousand_requests_at_once_lead_to_one_exchange(
    kind: str, node: NodeProvider, port: int, tmp_path: Path
) -> None:
    app = "tests.real.which_worker:" + ("wsgi" if kind in WSGI_SERVERS else "asgi")
    env = gate_environment(
        node.issuer,
        f"http://localhost:{port}",
        session_store=f"sqlite://{tmp_path}/sessions.db",
        refresh="true",
        access_token_min_seconds=str(MIN_SECONDS),
    )
    with serving(kind, app, directory=tmp_path, env=env, port=port, options=SERVERS[kind]):
        cookies = sign_in_at(port)
        began = time.monotonic()
        until_seen_by(port, cookies, WORKERS)
        time.sleep(max(began + DUE + 1 - time.monotonic(), 0))
        assert many(port, cookies) == {200: AT_ONCE * EACH}  # it is due, and nobody waits
        until("the refresh", lambda: refreshes(node) == 1)
        time.sleep(EXPIRED + 1)
        found = many(port, cookies)  # the token has expired: they wait for the one answer
        assert found[200] > 0
        # A WSGI server that has hardly a thread left refuses to wait. Nobody is signed out.
        assert set(found) <= ({200, 503} if kind in WSGI_SERVERS else {200}), found
        assert refreshes(node) == 2
        assert visit(port, cookies).status == 200


# --- what happens to users -------------------------------------------------------------------------------

RECHECK = 3
SLACK = 5
"""How much longer than promised it may take on a busy machine."""


@pytest.fixture(params=["refresh", "userinfo"])
def rechecked(request: pytest.FixtureRequest, port: int, tmp_path: Path) -> Iterator[TestProvider]:
    """Two workers that ask the test provider about users again."""
    with provider_for(port) as op:
        env = gate_environment(
            op.issuer,
            f"http://localhost:{port}",
            session_store=f"sqlite://{tmp_path}/sessions.db",
            recheck_seconds=str(RECHECK),
            allowed_groups="staff",
            refresh="true" if request.param == "refresh" else "false",
            provider_timeout_seconds="2",
        )
        app = "tests.real.which_worker:asgi"
        with serving("uvicorn", app, directory=tmp_path, env=env, port=port, options=("--workers=2",)):
            yield op


def seconds_until_out(port: int, cookies: dict[str, str]) -> float:
    """Wait until both workers refuse a session, and return for how long one of them served it."""
    began = last = time.monotonic()
    refused: set[str] = set()
    while len(refused) < 2:
        found = visit(port, cookies)
        assert found.status in (200, 401), found
        assert time.monotonic() - began < 60
        if found.status == 200:
            last, refused = time.monotonic(), set()
        else:
            refused.add(found.worker)
        time.sleep(0.02)
    return last - began


def test_a_user_who_is_disabled_is_out_in_time(rechecked: TestProvider, port: int) -> None:
    ada = sign_in(port)
    until_seen_by(port, ada, 2)
    rechecked.auto_login = None
    rechecked.remove_person("ada")
    assert seconds_until_out(port, ada) < RECHECK + SLACK


def test_a_user_who_left_the_group_is_out_in_time(rechecked: TestProvider, port: int) -> None:
    ada = sign_in(port)
    until_seen_by(port, ada, 2)
    for _ in range(20):  # and until then the session is refreshed, and goes on
        assert visit(port, ada).status == 200
        time.sleep(RECHECK / 10)
    rechecked.add_person(Person(sub="ada", email="ada@example.com", email_verified=True, groups=("others",)))
    assert seconds_until_out(port, ada) < RECHECK + SLACK


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.HANGS, Fault.DISCONNECTS])
def test_users_go_on_while_the_provider_is_down(rechecked: TestProvider, port: int, fault: Fault) -> None:
    ada = sign_in(port)
    until_seen_by(port, ada, 2)
    is_refresh = any("offline_access" in each.query.get("scope", "") for each in rechecked.requests)
    with rechecked.misbehaving(fault, at="token" if is_refresh else "userinfo"):
        until_down = time.monotonic() + 3 * RECHECK
        while time.monotonic() < until_down:
            found = visit(port, ada)
            assert found.status == 200, found
            assert found.seconds < 5 + SLACK
            time.sleep(0.05)
    assert visit(port, ada).status == 200


def exchanges(op: TestProvider) -> int:
    return sum(each.path == "/token" for each in op.requests)


def test_a_worker_that_is_killed_in_the_middle_of_a_refresh(port: int, tmp_path: Path) -> None:
    """The provider has replaced the refresh token, so the user signs in once. Nobody is held up, and no loop begins."""
    with provider_for(port) as op:
        env = gate_environment(
            op.issuer,
            f"http://localhost:{port}",
            session_store=f"sqlite://{tmp_path}/sessions.db",
            refresh="true",
            recheck_seconds=str(RECHECK),
        )
        options = ("--workers=3", "--graceful-timeout=2")
        app = "tests.real.which_worker:wsgi"
        with serving("gunicorn-gthread", app, directory=tmp_path, env=env, port=port, options=options):
            ada = sign_in(port)
            until_seen_by(port, ada, 3)
            before = exchanges(op)
            with op.misbehaving(Fault.HANGS, at="token"):
                found = visit(port, ada)
                while exchanges(op) == before:
                    found = visit(port, ada)
                    assert found.status == 200, found
                    time.sleep(0.3)
                os.kill(int(found.worker), signal.SIGKILL)
            status = 200
            end = time.monotonic() + 2 * RECHECK + SLACK
            while status == 200 and time.monotonic() < end:
                status = answered(port, ada)
            assert status == 401
            ada = sign_in(port)
            for _ in repeatedly(2 * RECHECK):
                assert answered(port, ada) == 200


def answered(port: int, cookies: dict[str, str]) -> int:
    """Return the status of an answer that came in time; a connection of the worker that was killed is not counted."""
    while True:
        try:
            found = visit(port, cookies)
        except requests.ConnectionError:
            continue
        assert found.seconds < 5 + SLACK
        return found.status
