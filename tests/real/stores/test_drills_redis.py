"""Redis fails in every way while users keep coming to two gates: one reaches it directly, one through a proxy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.redis_server import client_of
from tests.real.servers import serving
from tests.real.stores.drills import Redis, drill
from tests.real.stores.proxy import Proxy, proxy_to
from tests.real.stores.visits import provider_for, sign_in, sign_out, until, visit

pytestmark = pytest.mark.slow


class Site(NamedTuple):
    """Two gates before one Redis: uvicorn, and Gunicorn with threads, which reaches Redis through a proxy."""

    direct: int
    through: int
    redis: Redis
    proxy: Proxy


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("drills")
    one, two, redis = free_port(), free_port(), Redis(directory, free_port())
    redis.start()
    with provider_for(one) as op, proxy_to(redis.port) as proxy:
        env = gate_environment(op.issuer, f"http://localhost:{one}")
        there = env | {"OIDC_GATE_SESSION_STORE": f"redis://127.0.0.1:{redis.port}"}
        through = env | {"OIDC_GATE_SESSION_STORE": f"redis://127.0.0.1:{proxy.port}"}
        try:
            with (
                serving("uvicorn", "tests.real.which_worker:asgi", directory=directory, env=there, port=one),
                serving(
                    "gunicorn-gthread",
                    "tests.real.which_worker:wsgi",
                    directory=directory,
                    env=through,
                    port=two,
                ),
            ):
                yield Site(one, two, redis, proxy)
        finally:
            redis.close()


def test_killed_and_restarted_with_its_data(site: Site) -> None:
    with drill(site.direct, site.through) as now:
        site.redis.kill()
        now.until(503)
        assert now.try_to_sign_in() == 503
        site.redis.start()
    assert now.statuses("kept")[503] > 0


def test_killed_and_restarted_without_its_data(site: Site) -> None:
    with drill(site.direct, site.through, may_lose=True) as now:
        site.redis.kill(forgets=True)
        now.until(503)
        site.redis.start()
    assert now.statuses("kept")[503] > 0


def test_paused_for_ten_seconds(site: Site) -> None:
    with drill(site.direct, site.through) as now, site.redis.paused():
        resumes = time.monotonic() + 10
        now.until(503)
        assert now.try_to_sign_in() == 503
        time.sleep(max(0.0, resumes - time.monotonic()))
    assert now.statuses("kept")[503] > 0


def test_out_of_memory(site: Site) -> None:
    """Nothing new fits. Those who are signed in stay, and can sign out."""
    leaver = sign_in(site.direct)
    with drill(site.direct, site.through) as now:
        site.redis.ask("CONFIG", "SET", "maxmemory", "1")
        try:
            assert now.try_to_sign_in() == 503
            now.until(200)
            sign_out(site.through, leaver)
            for port in (site.direct, site.through):
                until("the sign-out", lambda port=port: visit(port, leaver).status == 401)  # type: ignore[misc]
        finally:
            site.redis.ask("CONFIG", "SET", "maxmemory", "0")


def test_read_only(site: Site) -> None:
    """What is left of a failover by hand: a replica, whose master is away."""
    with drill(site.direct, site.through) as now:
        site.redis.ask("REPLICAOF", "127.0.0.1", str(free_port()))
        try:
            until("READONLY", lambda: now.try_to_sign_in() == 503)
        finally:
            site.redis.ask("REPLICAOF", "NO", "ONE")


def test_loading_its_data(site: Site) -> None:
    with drill(site.direct, site.through) as now:
        with client_of(site.redis.port) as client:
            client.mset({f"filler{number}": "x" for number in range(2_000)})
            client.execute_command("BGREWRITEAOF")
            until("the snapshot", lambda: not client.info("persistence")["aof_rewrite_in_progress"])
        site.redis.kill()
        site.redis.start("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        now.until(503)
    site.redis.ask("CONFIG", "SET", "key-load-delay", "0")
    assert now.statuses("kept")[503] > 0


def test_flushed(site: Site) -> None:
    with drill(site.direct, site.through, may_lose=True) as now:
        site.redis.ask("FLUSHALL")
        now.until(401)


def test_the_network_is_cut(site: Site) -> None:
    with drill(site.direct, site.through) as now:
        site.proxy.is_cut = True
        try:
            now.until(503, site.through)
            now.until(200, site.direct)
        finally:
            site.proxy.is_cut = False
    assert now.statuses("kept")[503] > 0


def test_a_half_open_connection(site: Site) -> None:
    """A sign-out at the gate that still reaches Redis counts at the other one within the lag."""
    leaver = sign_in(site.direct)
    with drill(site.direct, site.through) as now:
        assert visit(site.through, leaver).status == 200
        site.proxy.is_frozen = True
        try:
            sign_out(site.direct, leaver)
            time.sleep(1)
            assert visit(site.through, leaver).status == 503
            now.until(503, site.through)
            now.until(200, site.direct)
        finally:
            site.proxy.is_frozen = False
        until("the sign-out", lambda: visit(site.through, leaver).status == 401)
    assert now.statuses("kept")[503] > 0
