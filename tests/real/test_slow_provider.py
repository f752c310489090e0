"""A provider that does not answer, or slowly: what waits is bounded, and nothing else waits with it.

oidc_gate, 2026-11. Before, 300 anonymous requests for ``/oauth2/start`` beside a discovery that hangs took 94 seconds,
and twelve made-up callbacks held every thread of a WSGI server for 15.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from oidc_gate.effects import Lane
from oidc_gate.runtime.threads import MAX_PLACES
from oidc_gate.testing import Client, Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, NAVIGATION, gate_environment
from tests.real.ports import free_port
from tests.real.servers import ASGI_SERVERS, serving

# Generous, and still far below what each of these took before.
PATIENCE_SECONDS = 30.0
PROVIDER_SECONDS = 4.0
SERVERS = ["gunicorn-gthread", "waitress", "granian-wsgi", "uvicorn", "granian-asgi", "hypercorn-trio"]


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str
    at: float = field(default_factory=time.monotonic)

    @property
    def wait_seconds(self) -> float | None:
        """After how long the page asks again by itself."""
        found = re.search(r'data-again="(\d+)"', self.text)
        return int(found[1]) / 1000 if found else None


class Browser:
    """Cookies and navigations; each request on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()

    def open(self, target: str, port: int | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=2 * PATIENCE_SECONDS)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = (
            NAVIGATION | {"Host": f"localhost:{port or self.port}"} | ({"Cookie": cookies} if cookies else {})
        )
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer

    def begin(self) -> str:
        """Start a sign-in, and return the callback that the provider sends the browser to."""
        return self.authorize(self.open("/oauth2/start?rd=/page"))

    def authorize(self, started: Answer) -> str:
        assert started.status == 302, started.text
        url = urlsplit(started.headers["Location"])
        assert url.port is not None
        back = Browser(url.port).open(f"{url.path}?{url.query}")
        return urlsplit(back.headers["Location"])._replace(scheme="", netloc="").geturl()

    def sign_in(self, target: str = "/oauth2/start?rd=/page") -> str:
        """Sign in as a browser does, and return the first page that does not go on by itself; empty for none."""
        deadline = time.monotonic() + 2 * PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self.open(target)
            if answer.status == 302 and "/authorize" in answer.headers["Location"]:
                target = self.authorize(answer)
            elif answer.status == 302:
                return ""
            elif answer.wait_seconds is not None:
                time.sleep(answer.wait_seconds)
            else:
                return answer.text
        return "too late"


@dataclass
class Place:
    port: int
    op: TestProvider

    def browser(self) -> Browser:
        return Browser(self.port)


@contextmanager
def site(
    kind: str, directory: Path, fault: Fault | None = None, at: str = "token", **settings: str
) -> Iterator[Place]:
    port = free_port()
    registered = Client(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[f"http://localhost:{port}{CALLBACK}"]
    )
    ada = Person(sub="ada", email="ada@example.com", email_verified=True, name="Ada")
    with TestProvider(clients=[registered], people=[ada], auto_login="ada") as op:
        if fault is not None:
            op.misbehave(fault, at=at)
        given = {"provider_timeout_seconds": str(PROVIDER_SECONDS)} | settings
        env = gate_environment(op.issuer, f"http://localhost:{port}", **given)
        app = "tests.real.wrapped:" + ("asgi" if kind in ASGI_SERVERS else "wsgi")
        with serving(kind, app, directory=directory, env=env, port=port, ready_path="/oauth2/ping"):
            yield Place(port, op)


@contextmanager
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(200) as pool:
        yield pool


def paths(place: Place) -> list[str]:
    return [seen.path for seen in place.op.requests]


def asked(place: Place, path: str) -> None:
    """Wait until the provider was asked at `path`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while path not in paths(place):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("kind", SERVERS)
def test_discovery_that_hangs_holds_nobody_for_longer_than_one_time_out(kind: str, tmp_path: Path) -> None:
    with site(kind, tmp_path, Fault.HANGS, "discovery") as place, crowd() as pool:
        started = time.monotonic()
        starts = [pool.submit(place.browser().open, "/oauth2/start") for _ in range(150)]
        asked(place, "/.well-known/openid-configuration")
        quick = [place.browser().open(path) for path in ("/oauth2/ping", "/oauth2/ready")]
        waiting = sum(not start.done() for start in starts)
        answers = [start.result(2 * PATIENCE_SECONDS) for start in starts]
        took = time.monotonic() - started
    assert [answer.status for answer in quick] == [200, 503]
    assert waiting, "ping and ready answer while others wait for the provider"
    assert {answer.status for answer in answers} == {503}
    assert took < PATIENCE_SECONDS, "one time-out, and not one for every sixteen"
    assert paths(place).count("/.well-known/openid-configuration") <= 2


@pytest.mark.parametrize("kind", SERVERS)
def test_pushed_requests_that_hang_are_few_and_callbacks_go_on(kind: str, tmp_path: Path) -> None:
    with site(kind, tmp_path, pushed_authorization_requests="always") as place, crowd() as pool:
        person = place.browser()
        back = person.begin()
        pushed = paths(place).count("/par")
        place.op.misbehave(Fault.HANGS, at="par")
        starts = [pool.submit(place.browser().open, "/oauth2/start") for _ in range(100)]
        while paths(place).count("/par") == pushed:
            time.sleep(0.01)
        page = person.sign_in(back)
        waiting = sum(not start.done() for start in starts)
        answers = [start.result(2 * PATIENCE_SECONDS) for start in starts]
        last = place.browser().open("/oauth2/start")
        pushed = paths(place).count("/par") - pushed
    assert page == ""
    assert waiting, "a callback does not wait for pushed requests"
    assert {one.status for one in [*answers, last]} == {503}
    assert 1 <= pushed <= MAX_PLACES[Lane.PUSHED] + 1


@pytest.mark.parametrize("kind", ["gunicorn-gthread", "waitress", "uvicorn"])
def test_made_up_callbacks_beside_a_token_endpoint_that_hangs_hold_up_no_signed_in_user(
    kind: str, tmp_path: Path
) -> None:
    with site(kind, tmp_path) as place, crowd() as pool:
        person = place.browser()
        assert person.sign_in() == ""
        attackers = [place.browser() for _ in range(12)]
        backs = [re.sub("code=[^&]*", f"code=made-up-{n}", one.begin()) for n, one in enumerate(attackers)]
        place.op.misbehave(Fault.HANGS, at="token")
        began = paths(place).count("/token")
        callbacks: list[Future[Answer]] = [
            pool.submit(one.open, back) for one, back in zip(attackers, backs, strict=True)
        ]
        while paths(place).count("/token") == began:
            time.sleep(0.01)
        pages = [person.open("/page") for _ in range(10)]
        answers = [callback.result(2 * PATIENCE_SECONDS) for callback in callbacks]
    assert [page.status for page in pages] == [200] * 10
    assert {answer.status for answer in answers} == {503}
    hung = [answer for answer in answers if answer.wait_seconds is None]
    assert hung, "these codes were sent"
    assert max(page.at for page in pages) < min(answer.at for answer in hung)


@pytest.mark.parametrize(
    "kind", ["gunicorn-gthread", "gunicorn-gevent", "waitress", "granian-wsgi", "uvicorn"]
)
def test_many_sign_ins_at_once_beside_a_slow_provider_all_succeed(kind: str, tmp_path: Path) -> None:
    with site(kind, tmp_path, provider_timeout_seconds="20") as place, crowd() as pool:
        assert place.browser().sign_in() == ""
        place.op.misbehave(Fault.SLOW, at="token", seconds=0.2)
        signed_in = [pool.submit(place.browser().sign_in) for _ in range(40)]
        assert [one.result(4 * PATIENCE_SECONDS) for one in signed_in] == [""] * 40
