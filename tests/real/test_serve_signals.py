"""`oidc-gate serve` and its signals: a reload that fails no request, and an end that waits for the last answer."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from oidc_gate.testing import Client, Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, gate_environment, oidc_gate_serve
from tests.real.ports import free_port
from tests.real.process import Server

WAIT_SECONDS = 90
SERVERS = ["uvicorn", "granian"]


def wait_for(condition: Callable[[], object], server: Server) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, server.log_tail()
        time.sleep(0.02)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gate.toml"
    write(file, "https://old.example.com")
    return file


def write(file: Path, public_url: str) -> None:
    file.write_text(f'public_url = "{public_url}"\n')


@contextmanager
def serving(config: Path, *options: str, **settings: str) -> Iterator[Server]:
    env = gate_environment("http://localhost:9", **settings)
    del env["OIDC_GATE_PUBLIC_URL"]
    words = ("--config", str(config), *options)
    with oidc_gate_serve(*words, directory=config.parent, env=env) as server:
        yield server


def place(server: Server) -> str:
    """Return the public URL that a worker serves with."""
    return str(requests.get(f"{server.url}/oauth2/userinfo", timeout=WAIT_SECONDS).json()["sign_in"])


def workers_of(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("kind", SERVERS)
def test_sighup_takes_new_settings_and_keeps_the_old_ones_if_they_cannot_work(
    kind: str, workers: str, config: Path
) -> None:
    with serving(config, "--server", kind, "--workers", workers) as server:
        wait_for(lambda: f"listens on {server.url} with {workers} worker" in server.log_tail(), server)
        assert place(server).startswith("https://old.example.com/")

        config.write_text('public_urll = "https://new.example.com"\n')
        server.process.send_signal(signal.SIGHUP)
        wait_for(
            lambda: "SIGHUP: the new settings cannot work, so the old ones stay" in server.log_tail(), server
        )
        assert "Fix: write public_url, the nearest name" in server.log_tail()
        assert {place(server) for _ in range(10)} == {"https://old.example.com/oauth2/start"}

        write(config, "https://new.example.com")
        server.process.send_signal(signal.SIGHUP)
        wait_for(
            lambda: "SIGHUP: the workers are replaced; changed settings: public_url" in server.log_tail(),
            server,
        )
        # granian closes connections that wait while a worker ends; see docs/deployment.md.
        refusals = [requests.ConnectionError] if kind == "granian" else []
        found = set[str]()

        def is_new() -> bool:
            with suppress(*refusals):
                found.clear()
                found.update(place(server) for _ in range(10))
            return found == {"https://new.example.com/oauth2/start"}

        wait_for(is_new, server)
        server.process.terminate()
        assert server.process.wait(WAIT_SECONDS) == 0
    assert "Traceback" not in server.log_tail()


def ask_until(ended: threading.Event, port: int, failures: list[str], keep: bool) -> None:
    """Send one request after the other, like a proxy with or without `keepalive`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
    while not ended.is_set():
        try:
            connection.request("POST", "/oauth2/backchannel_logout", body="x=y")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 400:
                failures.append(str(answer.status))
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            connection.close()
        if not keep or answer.will_close:
            connection.close()
    connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_fails_during_a_reload(workers: str, config: Path) -> None:
    ended, failures = threading.Event(), list[str]()
    with serving(config, "--workers", workers, insecure_single_process_revocation="true") as server:
        threads = [
            threading.Thread(target=ask_until, args=(ended, server.port, failures, number % 2 == 0))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: "listens on" in server.log_tail(), server)
            for _ in range(4):
                before = workers_of(server)
                server.process.send_signal(signal.SIGHUP)
                wait_for(lambda: not set(before) & set(workers_of(server)), server)  # noqa: B023
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert server.log.read_text().count("SIGHUP: the workers are replaced") == 4
    assert failures == []


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[TestProvider]:
    client = Client(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[f"http://localhost:{port}{CALLBACK}"]
    )
    ada = Person(sub="ada", email="ada@example.com", email_verified=True)
    with TestProvider(clients=[client], people=[ada], auto_login="ada") as op:
        yield op


def sign_in(port: int) -> requests.Session:
    browser = requests.Session()
    landed = browser.get(
        f"http://localhost:{port}/oauth2/start?rd=/", headers={"Accept": "text/html"}, timeout=WAIT_SECONDS
    )
    assert landed.url == f"http://localhost:{port}/", landed.text
    return browser


def environment(provider: TestProvider, port: int) -> Mapping[str, str]:
    return gate_environment(provider.issuer, f"http://localhost:{port}")


@pytest.mark.parametrize("kind", SERVERS)
def test_sessions_survive_a_reload(kind: str, provider: TestProvider, port: int, tmp_path: Path) -> None:
    with oidc_gate_serve(
        "--server", kind, "--workers", "2", directory=tmp_path, env=environment(provider, port), port=port
    ) as server:
        browser, before = sign_in(port), set(workers_of(server))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(workers_of(server)) >= 2 and not before & set(workers_of(server)), server)
        for _ in range(10):
            answer = browser.get(f"http://localhost:{port}/oauth2/auth", timeout=WAIT_SECONDS)
            assert answer.status_code == 202


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_answered_is_answered_before_the_end(
    kind: str, number: signal.Signals, provider: TestProvider, port: int, tmp_path: Path
) -> None:
    signed_in: list[str] = []
    env = environment(provider, port)
    with oidc_gate_serve("--server", kind, directory=tmp_path, env=env, port=port) as server:
        sign_in(port)  # so that discovery and keys are there
        browser = requests.Session()

        def finish() -> None:
            url = f"http://localhost:{port}/oauth2/start?rd=/"
            while not url.endswith(f":{port}/"):
                answer = browser.get(url, timeout=WAIT_SECONDS, allow_redirects=False)
                url = urljoin(url, answer.headers["Location"])
            signed_in.append(url)

        with provider.misbehaving(Fault.SLOW, at="token", seconds=3):
            seen = len(provider.requests)
            thread = threading.Thread(target=finish)
            thread.start()
            wait_for(lambda: any(each.path == "/token" for each in list(provider.requests)[seen:]), server)
            server.process.send_signal(number)
            thread.join(WAIT_SECONDS)
        assert server.process.wait(WAIT_SECONDS) == 0
    assert signed_in == [f"http://localhost:{port}/"]
    assert "Traceback" not in server.log_tail()


def test_the_end_does_not_wait_for_longer_than_the_graceful_timeout(
    provider: TestProvider, port: int, tmp_path: Path
) -> None:
    env = environment(provider, port)
    with ExitStack() as stack:
        server = stack.enter_context(
            oidc_gate_serve("--graceful-timeout", "1", directory=tmp_path, env=env, port=port)
        )
        sign_in(port)
        stack.enter_context(provider.misbehaving(Fault.SLOW, at="token", seconds=WAIT_SECONDS))
        seen = len(provider.requests)

        def never_ends() -> None:
            with pytest.raises((requests.RequestException, AssertionError)):
                sign_in(port)

        thread = threading.Thread(target=never_ends)
        thread.start()
        wait_for(lambda: any(each.path == "/token" for each in list(provider.requests)[seen:]), server)
        server.process.terminate()
        assert server.process.wait(WAIT_SECONDS / 2) == 0
        thread.join(WAIT_SECONDS)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_worker_that_dies_is_replaced(kind: str, config: Path) -> None:
    with serving(config, "--workers", "2", "--server", kind) as server:
        wait_for(lambda: "listens on" in server.log_tail() and len(workers_of(server)) >= 2, server)
        victim = workers_of(server)[-1]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in workers_of(server) and len(workers_of(server)) >= 2, server)
        assert {place(server) for _ in range(10)} == {"https://old.example.com/oauth2/start"}


def test_workers_do_not_outlive_their_parent(config: Path) -> None:
    with serving(config, "--workers", "2") as server:
        wait_for(lambda: "listens on" in server.log_tail(), server)
        workers = workers_of(server)
        server.process.kill()
        server.process.wait()
        wait_for(lambda: not any(_is_running(pid) for pid in workers), server)


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
