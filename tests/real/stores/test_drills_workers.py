"""Drills with the processes of the gate: a worker is killed during a sign-in, a deploy replaces all of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.redis_server import redis_server, wait_for
from tests.real.servers import serving
from tests.real.stores.two_workers import APPS, site
from tests.real.stores.visits import provider_for, sign_in, visit

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/sessions.db"
        return
    with redis_server(directory=tmp_path) as redis:
        yield f"redis://127.0.0.1:{redis.port}"


def test_a_worker_that_is_killed_during_a_sign_in(url: str, tmp_path: Path) -> None:
    with site("gunicorn-gthread", url, tmp_path) as place:
        for _ in range(3):
            signing_in = threading.Thread(target=lambda: _quietly(place.try_to_sign_in))
            signing_in.start()
            time.sleep(0.03)
            os.kill(int(visit(place.port, place.ada).worker), signal.SIGKILL)
            signing_in.join()
            place.check_afterwards(200)


def _quietly(call: Callable[[], object]) -> None:
    with suppress(Exception):  # the connection of a killed worker
        call()


def test_a_deploy_that_replaces_four_workers_under_load(url: str, tmp_path: Path) -> None:
    """gunicorn lets its workers finish what they have, so that no request fails."""
    port = free_port()
    with provider_for(port) as op:
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=url)
        kind = "gunicorn-gthread"
        with serving(
            kind, APPS[kind], directory=tmp_path, env=env, port=port, options=("--workers=4",)
        ) as server:
            ada, is_over, statuses = sign_in(port), threading.Event(), list[int]()

            def load() -> None:
                while not is_over.is_set():
                    statuses.append(visit(port, ada).status)

            threads = [threading.Thread(target=load) for _ in range(3)]
            for thread in threads:
                thread.start()
            seen = set[str]()
            for _ in range(2):
                before = set(seen)
                server.process.send_signal(signal.SIGHUP)
                for _ in wait_for("new workers"):
                    seen.add(visit(port, ada).worker)
                    if len(seen - before) >= 4:
                        break
            is_over.set()
            for thread in threads:
                thread.join()
            assert set(statuses) == {200}
            assert visit(port, sign_in(port)).status == 200
