"""`oidc-gate sessions end` beside a server with two workers: both refuse the session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.redis_server import redis_server
from tests.real.servers import serving
from tests.real.stores.visits import provider_for, sign_in, until_seen_by, visit


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite://{tmp_path}/sessions.db"
        else:
            yield f"redis://127.0.0.1:{stack.enter_context(redis_server(directory=tmp_path)).port}"


@pytest.mark.parametrize(
    ("home", "selector"),
    [("session_store", ("--email", "ada@example.com")), ("revocation_store", ("--subject", "ada"))],
)
def test_the_next_request_is_refused_by_both_workers(
    url: str, home: str, selector: tuple[str, str], tmp_path: Path
) -> None:
    """With SQLite at once. With Redis the command waits for the lag itself, so it is the next one there too."""
    port = free_port()
    with provider_for(port) as op:
        env = gate_environment(op.issuer, f"http://localhost:{port}", **{home: url})
        app = "tests.real.which_worker:wsgi"
        with serving(
            "gunicorn-gthread", app, directory=tmp_path, env=env, port=port, options=("--workers=2",)
        ):
            ada, again = sign_in(port), sign_in(port)
            workers = until_seen_by(port, ada, 2)
            assert until_seen_by(port, again, 2) == workers

            def command(*words: str) -> subprocess.CompletedProcess[str]:
                argv = [sys.executable, "-m", "oidc_gate.cli", "sessions", *words, "--json"]
                return subprocess.run(
                    argv, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
                )

            if home == "session_store":
                found = json.loads(command("list", *selector).stdout)["sessions"]
                assert [each["subject"] for each in found] == ["ada", "ada"]
            done = command("end", *selector)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == {"ended": 2 if home == "session_store" else None}
            refused: set[str] = set()
            while refused != workers:
                for cookies in (ada, again):
                    answer = visit(port, cookies)
                    assert answer.status == 401, answer
                    refused.add(answer.worker)
            # Ending a session in a cookie ends those that began until this second, not the next sign-in.
            if home == "session_store":
                assert visit(port, sign_in(port)).status == 200
