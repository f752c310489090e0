"""Workers that were forked, greenlets and trio while Redis fails; an exchange that is cut off; a clock that steps."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from oidc_gate.testing import Fault, TestProvider
from tests.real.behind_nginx import NAVIGATION, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import WSGI_SERVERS, serving
from tests.real.stores.drills import Redis, drill
from tests.real.stores.visits import provider_for, sign_in, sign_out, until, visit

pytestmark = pytest.mark.slow

HOUR = 3600
VARIABLE = (
    "TEST_CLOCK_STEP_FILE"  # of `tests.real.stores.stepping_clock`, which replaces the clock when imported
)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[TestProvider]:
    with provider_for(port) as op:
        yield op


def workers_of(server: Server) -> set[str]:
    return set(Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("gunicorn-gthread", ("--workers=2", "--preload")),
        ("gunicorn-gevent", ("--workers=2",)),
        ("hypercorn-trio", ()),
    ],
)
def test_redis_is_killed_and_restarted(
    kind: str, options: tuple[str, ...], port: int, provider: TestProvider, tmp_path: Path
) -> None:
    """Workers that were forked after the gate was made, greenlets, and trio."""
    redis = Redis(tmp_path, free_port())
    redis.start()
    env = gate_environment(
        provider.issuer, f"http://localhost:{port}", session_store=f"redis://127.0.0.1:{redis.port}"
    )
    app = "tests.real.which_worker:" + ("wsgi" if kind in WSGI_SERVERS else "asgi")
    try:
        with (
            serving(kind, app, directory=tmp_path, env=env, port=port, options=options),
            drill(port) as now,
        ):
            redis.kill()
            now.until(503)
            assert now.try_to_sign_in() == 503
            redis.start()
        assert now.statuses("kept")[503] > 0
    finally:
        redis.close()


def test_a_worker_is_killed_in_the_middle_of_a_sign_in(
    port: int, provider: TestProvider, tmp_path: Path
) -> None:
    """The code is used up. Loading the page again leads to one more sign-in, and no loop."""
    url = f"sqlite://{tmp_path}/sessions.db"
    env = gate_environment(provider.issuer, f"http://localhost:{port}", session_store=url)
    app = "tests.real.which_worker:wsgi"
    with serving("gunicorn-gthread", app, directory=tmp_path, env=env, port=port) as server:
        ada = sign_in(port)
        browser = requests.Session()
        browser.max_redirects = 8
        address = f"http://localhost:{port}/oauth2/start?rd=/reports"
        there = browser.get(address, headers=NAVIGATION, timeout=60, allow_redirects=False)
        back = browser.get(there.headers["Location"], headers=NAVIGATION, timeout=60, allow_redirects=False)
        callback = back.headers["Location"]
        assert callback.startswith(f"http://localhost:{port}/oauth2/callback")

        def call_back() -> None:
            with suppress(requests.RequestException):
                browser.get(callback, headers=NAVIGATION, timeout=60, allow_redirects=False)

        with provider.misbehaving(Fault.SLOW, at="token", seconds=5):
            provider.requests.clear()
            thread = threading.Thread(target=call_back)
            thread.start()
            until("the exchange", lambda: any(seen.path == "/token" for seen in list(provider.requests)))
            (worker,) = workers_of(server)
            os.kill(int(worker), signal.SIGKILL)
            thread.join()
        until("a new worker", lambda: not workers_of(server) & {worker} and bool(workers_of(server)))
        until("the session of another user", lambda: visit(port, ada).status == 200)
        again = browser.get(callback, headers=NAVIGATION, timeout=60)
        assert again.status_code in (200, 400), again.text
        landed = browser.get(address, headers=NAVIGATION, timeout=60)
        assert (landed.status_code, "ada" in landed.text.lower()) == (200, True), landed.text


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_the_wall_clock_steps_by_an_hour(
    store: str, port: int, provider: TestProvider, tmp_path: Path
) -> None:
    """Sessions that ended stay ended, whichever clock counted at their end, and the others go on."""
    redis, step = Redis(tmp_path, free_port()), tmp_path / "step"
    step.write_text("0")
    if store == "redis":
        redis.start()
    url = f"redis://127.0.0.1:{redis.port}" if store == "redis" else f"sqlite://{tmp_path}/sessions.db"
    env = gate_environment(
        provider.issuer, f"http://localhost:{port}", session_store=url, session_idle_seconds=str(3 * HOUR)
    )
    app = "tests.real.stores.stepping_clock:asgi"
    try:
        with serving("uvicorn", app, directory=tmp_path, env=env | {VARIABLE: str(step)}, port=port):
            leavers = [sign_in(port) for _ in range(3)]
            with drill(port, may_refuse=True) as now:
                # A session that begins in the future is refused until the clock is right.
                for leaver, seconds, status in zip(leavers, (HOUR, -HOUR, 0), (200, 401, 200), strict=True):
                    write(step, seconds)
                    now.until(status)
                    if status == 200:
                        sign_out(port, leaver)
                        until("the sign-out", lambda who=leaver: visit(port, who).status == 401)  # type: ignore[misc]
                    time.sleep(0.5)
                assert visit(port, leavers[0]).status == 401
                assert visit(port, leavers[1]).status == 200
            assert now.statuses("kept")[503] == 0
    finally:
        redis.close()


def write(file: Path, seconds: int) -> None:
    """Replace a file in one step."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.rename(file)
