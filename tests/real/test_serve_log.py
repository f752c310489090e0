"""The log of `oidc-gate serve`: every worker writes one, at the level of the command line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import requests

from tests.real.behind_nginx import gate_environment, oidc_gate_serve

WAIT_SECONDS = 60


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("kind", ["uvicorn", "granian"])
def test_every_worker_writes_a_log(kind: str, workers: str, tmp_path: Path) -> None:
    env = gate_environment("http://localhost:9")
    options = ("--server", kind, "--workers", workers, "--log-level", "debug")
    with oidc_gate_serve(*options, directory=tmp_path, env=env) as server:
        asked, deadline = 0, time.monotonic() + WAIT_SECONDS
        # A request may be the first one of its worker: each is in the log, whichever answers it.
        while asked < 20:
            asked += requests.get(f"{server.url}/oauth2/auth", timeout=WAIT_SECONDS).status_code == 401
        while (lines := server.log.read_text().count("/oauth2/auth: 401: no_cookie")) < asked:
            assert time.monotonic() < deadline, lines
            time.sleep(0.05)


def test_the_level_is_that_of_the_command_line(tmp_path: Path) -> None:
    env = gate_environment("http://localhost:9")
    with oidc_gate_serve("--workers", "2", "--log-level", "error", directory=tmp_path, env=env) as server:
        assert requests.get(f"{server.url}/oauth2/auth", timeout=WAIT_SECONDS).status_code == 401
    assert "oidc_gate" not in server.log.read_text()


@pytest.mark.parametrize("kind", ["uvicorn", "granian"])
def test_json_from_every_worker(kind: str, tmp_path: Path) -> None:
    env = gate_environment("http://localhost:9") | {"OIDC_GATE_LOG_FORMAT": "json"}
    options = ("--server", kind, "--workers", "2", "--log-level", "debug")
    with oidc_gate_serve(*options, directory=tmp_path, env=env) as server:
        deadline = time.monotonic() + WAIT_SECONDS
        assert requests.get(f"{server.url}/oauth2/auth", timeout=WAIT_SECONDS).status_code == 401
        while '"code":"no_cookie"' not in (text := server.log.read_text()):
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
    found = [json.loads(line) for line in text.splitlines() if "no_cookie" in line]
    assert [(line["path"], line["status"]) for line in found] == [("/oauth2/auth", 401)]
