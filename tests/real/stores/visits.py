"""Browsers of a site with several workers, of which each request may reach another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import requests

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, NAVIGATION
from tests.real.redis_server import wait_for

SCRIPT = {"Accept": "application/json"}
HEADER = "X-Worker"  # of `tests.real.which_worker`


class Visit(NamedTuple):
    """One answer. `worker` is the process that gave it, `seconds` how long it took."""

    status: int
    worker: str
    seconds: float
    retry_after: str
    text: str


def provider_for(*ports: int) -> TestProvider:
    """Return a provider that signs ada in at sites on these ports."""
    urls = [f"http://localhost:{port}{CALLBACK}" for port in ports]
    registered = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=urls)
    ada = Person(sub="ada", email="ada@example.com", email_verified=True, groups=("staff",))
    return TestProvider(clients=[registered], people=[ada], auto_login="ada")


def sign_in(port: int) -> dict[str, str]:
    """Go through the whole flow, and return the cookies."""
    person = requests.Session()
    landed = person.get(f"http://localhost:{port}/oauth2/start?rd=/reports", headers=NAVIGATION, timeout=60)
    assert (landed.status_code, "ada" in landed.text.lower()) == (200, True), landed.text
    return dict(person.cookies.items())


def try_to_sign_in(port: int, limit_seconds: float) -> int:
    """Go through a sign-in, and return the status at its end, which is not a failure of the gate, nor a loop."""
    browser, started = requests.Session(), time.monotonic()
    browser.max_redirects = 8  # a loop is an exception
    address = f"http://localhost:{port}/oauth2/start?rd=/reports"
    landed = browser.get(address, headers=NAVIGATION, timeout=60)
    assert landed.status_code in (200, 503), landed.text
    assert (landed.status_code == 503) <= ("Retry-After" in landed.headers)
    assert time.monotonic() - started < limit_seconds
    return landed.status_code


def visit(
    port: int, cookies: dict[str, str], path: str = "/reports", headers: dict[str, str] | None = None
) -> Visit:
    """Send one request over a connection of its own."""
    url, started = f"http://localhost:{port}{path}", time.monotonic()
    answer = requests.get(url, headers=headers or SCRIPT, cookies=cookies, timeout=60, allow_redirects=False)
    worker, retry_after = answer.headers.get(HEADER, ""), answer.headers.get("Retry-After", "")
    return Visit(answer.status_code, worker, time.monotonic() - started, retry_after, answer.text)


def sign_out(port: int, cookies: dict[str, str]) -> None:
    answer = requests.post(
        f"http://localhost:{port}/oauth2/sign_out",
        headers={"Sec-Fetch-Site": "same-origin"},
        cookies=cookies,
        timeout=60,
        allow_redirects=False,
    )
    assert answer.status_code == 303, answer.text


def until_seen_by(port: int, cookies: dict[str, str], workers: int) -> set[str]:
    """Send requests until so many workers have answered twice, so that they remember the session."""
    seen: dict[str, int] = {}
    for _ in wait_for(f"{workers} workers"):
        found = visit(port, cookies)
        assert found.status == 200, found
        seen[found.worker] = seen.get(found.worker, 0) + 1
        if sum(number > 1 for number in seen.values()) >= workers:
            return set(seen)
    raise AssertionError("not reached")


def until(what: str, condition: Callable[[], bool]) -> None:
    for _ in wait_for(what):
        if condition():
            return


def repeatedly(seconds: float) -> Iterator[None]:
    """Loop for so long, with a short pause."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
