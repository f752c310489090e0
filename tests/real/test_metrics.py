"""The metrics of a server with two workers: whichever answers, it answers for both."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families as parse

from oidc_gate.settings import Settings
from oidc_gate.testing import session_cookie
from oidc_gate.wsgi import OIDCGate
from tests.real.behind_nginx import gate_environment, oidc_gate_serve
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import serving
from tests.real.stores.visits import HEADER

TOKEN = "J8pRaT5iVnKcbq2oC4vYkq0t"
WAIT_SECONDS = 60
OPTIONS = {
    "gunicorn-sync": ("--workers=2",),
    "gunicorn-gthread": ("--workers=2", "--preload"),
}


def numbers(url: str) -> dict[tuple[str, ...], float]:
    # Each request has a connection of its own, which either worker may take.
    answer = requests.get(
        f"{url}/oauth2/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=WAIT_SECONDS
    )
    answer.raise_for_status()
    return {
        (sample.name.removeprefix("oidc_gate_"), *(value for _, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in parse(answer.text)
        for sample in family.samples
    }


def wait_for(url: str, key: tuple[str, ...], expected: float) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := numbers(url)).get(key) != expected:
        assert time.monotonic() < deadline, (key, expected, found)
        time.sleep(0.1)


@pytest.fixture(params=OPTIONS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    port = free_port()
    metrics = {"metrics_token": TOKEN, "metrics_directory": str(tmp_path / "metrics")}
    env = gate_environment("http://localhost:9", f"http://localhost:{port}", **metrics)
    app, options = "tests.real.which_worker:wsgi", OPTIONS[request.param]
    with serving(
        request.param, app, directory=tmp_path, env=env, port=port, options=options, ready_path="/oauth2/ping"
    ) as server:
        gate = OIDCGate(lambda environ, start_response: [], Settings.load(environ=env))
        yield server, session_cookie(gate, email="ada@example.com")


def test_each_worker_answers_for_both_and_for_those_that_have_ended(place: tuple[Server, str]) -> None:
    server, cookie = place
    workers, asked, deadline = set[str](), 0, time.monotonic() + WAIT_SECONDS
    while len(workers) < 2 or asked < 20:
        assert time.monotonic() < deadline, workers
        assert requests.get(f"{server.url}/x", timeout=WAIT_SECONDS).status_code == 401
        answer = requests.get(f"{server.url}/x", headers={"Cookie": cookie}, timeout=WAIT_SECONDS)
        assert answer.status_code == 200
        workers.add(answer.headers[HEADER])
        asked += 1
    for _ in range(4):  # whichever worker answers
        wait_for(server.url, ("decisions_total", "no_cookie", "401"), asked)
        wait_for(server.url, ("short_path_requests_total",), asked)
        wait_for(server.url, ("processes",), 2)
    time.sleep(1.5)  # both have written what they counted: more than one interval
    os.kill(int(workers.pop()), signal.SIGKILL)
    # The server starts another worker in its place.
    deadline = time.monotonic() + WAIT_SECONDS
    ended = Path(server.log).parent / "metrics/ended.json"
    while not ended.exists():
        assert time.monotonic() < deadline
        assert numbers(server.url)["decisions_total", "no_cookie", "401"] == asked
        time.sleep(0.1)
    wait_for(server.url, ("processes",), 2)
    found = numbers(server.url)
    assert found["decisions_total", "no_cookie", "401"] == found["short_path_requests_total",] == asked


def test_oidc_gate_serve(tmp_path: Path) -> None:
    metrics = {"metrics_token": TOKEN, "metrics_directory": str(tmp_path / "metrics")}
    env = gate_environment("http://localhost:9", **metrics)
    gate = OIDCGate(lambda environ, start_response: [], Settings.load(environ=env))
    cookie = session_cookie(gate, email="ada@example.com")
    with oidc_gate_serve("--workers", "2", directory=tmp_path, env=env) as server:
        for _ in range(10):
            headers = {"Cookie": cookie, "Connection": "close"}
            answer = requests.get(f"{server.url}/oauth2/auth", headers=headers, timeout=WAIT_SECONDS)
            assert answer.status_code == 202
        wait_for(server.url, ("short_path_requests_total",), 10)
        unauthorized = requests.get(f"{server.url}/oauth2/metrics", timeout=WAIT_SECONDS)
        assert unauthorized.status_code == 401
