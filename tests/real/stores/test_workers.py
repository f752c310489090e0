"""Servers with two workers that share a store: a sign-out at one of them counts at the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.real.behind_nginx import NAVIGATION, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.redis_server import client_of, redis_server
from tests.real.servers import WSGI_SERVERS, serving
from tests.real.stores.proxy import proxy_to
from tests.real.stores.visits import (
    SCRIPT,
    provider_for,
    repeatedly,
    sign_in,
    sign_out,
    until,
    until_seen_by,
    visit,
)

TWO_WORKERS = {
    "gunicorn-gthread": ("--workers=2", "--preload"),
    "gunicorn-gevent": ("--workers=2",),
    "uvicorn": ("--workers=2",),
}
LAG_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
"""How much longer than promised an answer may take on a busy machine."""


class Place(NamedTuple):
    port: int
    server: Server
    is_immediate: bool


@pytest.fixture(params=["sqlite", "redis", "revocations in sqlite", "revocations in redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a store, and the server that it needs."""
    kind: str = request.param
    home = "revocation_store" if kind.startswith("revocations") else "session_store"
    with ExitStack() as stack:
        if "sqlite" in kind:
            yield {home: f"sqlite://{tmp_path}/sessions.db"}
        else:
            server = stack.enter_context(redis_server(directory=tmp_path))
            yield {home: f"redis://127.0.0.1:{server.port}"}


@pytest.fixture(params=TWO_WORKERS)
def place(request: pytest.FixtureRequest, store: dict[str, str], tmp_path: Path) -> Iterator[Place]:
    kind, port = request.param, free_port()
    app = "tests.real.which_worker:" + ("wsgi" if kind in WSGI_SERVERS else "asgi")
    with provider_for(port) as op:
        env = gate_environment(op.issuer, f"http://localhost:{port}", **store)
        with serving(kind, app, directory=tmp_path, env=env, port=port, options=TWO_WORKERS[kind]) as server:
            yield Place(port, server, "sqlite" in "".join(store.values()))


def test_a_sign_out_at_one_worker_counts_at_the_other(place: Place) -> None:
    port, _, is_immediate = place
    ada, other = sign_in(port), sign_in(port)
    workers = until_seen_by(port, ada, 2)
    assert len(workers) == 2
    until_seen_by(port, other, 2)
    sign_out(port, ada)
    if not is_immediate:
        time.sleep(LAG_SECONDS)
    refused: set[str] = set()
    while refused != workers:
        found = visit(port, ada)
        assert found.status == 401, found
        refused.add(found.worker)
    assert until_seen_by(port, other, 2) == workers


def stopped(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGSTOP)


def goes_on(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGCONT)


PATHS = (
    "/reports",
    "/oauth2/auth",
    "/oauth2/forward",
    "/oauth2/userinfo",
    "/oauth2/sign_out",
    "/oauth2/start",
)


@pytest.mark.parametrize("kind", ["gunicorn-gthread", "uvicorn"])
def test_redis_that_hangs_is_503_within_two_seconds_and_no_session_is_lost(kind: str, tmp_path: Path) -> None:
    port = free_port()
    app = "tests.real.which_worker:" + ("wsgi" if kind in WSGI_SERVERS else "asgi")
    with provider_for(port) as op, redis_server(directory=tmp_path) as redis:
        url = f"redis://127.0.0.1:{redis.port}"
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        with serving(kind, app, directory=tmp_path, env=env, port=port):
            ada = sign_in(port)
            assert visit(port, ada).status == 200
            stopped(redis)
            try:
                until("the lag", lambda: visit(port, ada).status == 503)
                for path in PATHS:
                    for headers in (NAVIGATION, SCRIPT):
                        found = visit(port, ada, path, headers)
                        assert (found.status, bool(found.retry_after)) == (503, True), (path, found)
                        assert found.seconds < 2 + PATIENCE_SECONDS, path
                assert visit(port, {}).status == 401
            finally:
                goes_on(redis)
            until("Redis", lambda: visit(port, ada).status == 200)


def test_what_a_worker_remembers_counts_for_the_lag_alone_if_it_hears_nothing(tmp_path: Path) -> None:
    """A half-open connection: one worker does not learn of a sign-out at another, and does not know it."""
    one, two = free_port(), free_port()
    app = "tests.real.which_worker:asgi"
    with (
        provider_for(one, two) as op,
        redis_server(directory=tmp_path) as redis,
        proxy_to(redis.port) as proxy,
    ):
        env = gate_environment(op.issuer, f"http://localhost:{one}")
        there = {"OIDC_GATE_SESSION_STORE": f"redis://127.0.0.1:{redis.port}"}
        through = {"OIDC_GATE_SESSION_STORE": f"redis://127.0.0.1:{proxy.port}"}
        with (
            serving("uvicorn", app, directory=tmp_path, env=env | there, port=one),
            serving("uvicorn", app, directory=tmp_path, env=env | through, port=two),
        ):
            ada = sign_in(one)
            for _ in range(3):
                assert visit(two, ada).status == 200
            proxy.is_frozen = True
            sign_out(one, ada)
            ended = time.monotonic()
            statuses = []
            for _ in repeatedly(4):
                asked = time.monotonic()
                statuses.append(visit(two, ada).status)
                assert statuses[-1] in (200, 503)
                assert asked < ended + LAG_SECONDS or statuses[-1] == 503
            assert statuses[-1] == 503
            proxy.is_frozen = False
            until("the proxy", lambda: visit(two, ada).status == 401)


def test_redis_that_lost_its_data_signs_users_out_and_no_request_fails(tmp_path: Path) -> None:
    port, store_port = free_port(), free_port()
    with provider_for(port) as op, ExitStack() as stack:
        redis = ExitStack()
        redis.enter_context(redis_server(directory=tmp_path, port=store_port))
        stack.push(redis)
        url = f"redis://127.0.0.1:{store_port}"
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        stack.enter_context(
            serving("uvicorn", "tests.real.which_worker:asgi", directory=tmp_path, env=env, port=port)
        )
        ada = sign_in(port)
        assert visit(port, ada).status == 200
        redis.close()
        until("the end of Redis", lambda: visit(port, ada).status == 503)
        stack.enter_context(redis_server(directory=tmp_path, port=store_port))
        until("Redis", lambda: visit(port, ada).status != 503)
        assert visit(port, ada).status == 401
        assert visit(port, sign_in(port)).status == 200


def test_redis_that_evicts_is_an_error_in_the_log_and_in_ready(tmp_path: Path) -> None:
    port = free_port()
    policy = ("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
    with provider_for(port) as op, redis_server(*policy, directory=tmp_path) as redis:
        url = f"redis://127.0.0.1:{redis.port}"
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        with serving(
            "gunicorn-gthread", "tests.real.which_worker:wsgi", directory=tmp_path, env=env, port=port
        ):
            sign_in(port)
            text = visit(port, {}, "/oauth2/ready").text
            assert '"status":"misconfigured"' in text
            assert "maxmemory-policy" in text


def test_sessions_in_sqlite_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    port = free_port()
    with provider_for(port) as op:
        url = f"sqlite://{tmp_path}/sessions.db"
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        ada: dict[str, str] = {}
        for kind, app in (("gunicorn-gthread", "wsgi"), ("uvicorn", "asgi")):
            with serving(kind, f"tests.real.which_worker:{app}", directory=tmp_path, env=env, port=port):
                ada = ada or sign_in(port)
                assert visit(port, ada).status == 200
        assert (tmp_path / "sessions.db").stat().st_mode & 0o777 == 0o600


def test_the_dump_of_redis_shows_nothing_of_a_user(tmp_path: Path) -> None:
    port = free_port()
    with (
        provider_for(port) as op,
        redis_server("--rdbcompression", "no", directory=tmp_path) as redis,
        client_of(redis.port) as client,
    ):
        url = f"redis://127.0.0.1:{redis.port}"
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        with serving("uvicorn", "tests.real.which_worker:asgi", directory=tmp_path, env=env, port=port):
            ada = sign_in(port)
            client.save()
    dump = (tmp_path / "dump.rdb").read_bytes()
    assert b"oidc_gate:row:" in dump
    (ticket,) = (value for name, value in ada.items() if name == "oidc_gate")
    for text in ("ada@example.com", "staff", op.issuer, ticket, ticket[-40:]):
        assert text.encode() not in dump, text
