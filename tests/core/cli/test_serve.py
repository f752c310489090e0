"""How `oidc-gate serve` sets up its servers: every argument that they get."""

from __future__ import annotations

import argparse
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from oidc_gate.asgi import AuthBackend
from oidc_gate.cli import build_parser, granian_server, serve, worker
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.supervisor import Pipes
from oidc_gate.cli.verdicts import VerdictProtocol
from oidc_gate.testing.settings import environ_for_tests, settings_for_tests

URL = "https://app.example.com"
SETTINGS = settings_for_tests(public_url=URL)


def parsed(*words: str) -> argparse.Namespace:
    options: argparse.Namespace = build_parser().parse_args(["serve", *words])
    return options


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((), "http://127.0.0.1:4180"),
        (("--host", "::1", "--port", "80"), "http://[::1]:80"),
        (("--uds", "/run/s"), "unix:/run/s (mode 660)"),
        (("--uds", "/run/s", "--uds-mode", "0600"), "unix:/run/s (mode 600)"),
    ],
)
def test_the_address_in_the_log(words: tuple[str, ...], place: str) -> None:
    assert serve._place(parsed(*words)) == place


class Loader:
    def reload(self) -> None: ...

    def on_ready(self, settings: Any) -> None: ...


def test_uvicorn_has_a_supervisor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Any] = []
    told: list[str] = []

    class Supervisor:
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            made.append((arguments[1:], keywords))
            self._work = arguments[0]

        def run(self, settings: Any) -> int:
            return int(self._work(settings, "pipes"))

    def work(*arguments: Any, **keywords: Any) -> int:
        settings, listeners, pipes = arguments
        made.append((settings, [each.getsockname() for each in listeners], pipes, keywords))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))  # it listens before the first worker serves
        return 7

    monkeypatch.setattr(serve, "Supervisor", Supervisor)
    monkeypatch.setattr(worker, "serve", work)
    monkeypatch.setattr(serve, "notify", told.append)
    options = parsed("--uds", str(tmp_path / "s"), "--workers", "3", "--graceful-timeout", "5")
    loader: Any = Loader()
    assert serve._uvicorn()(options, loader, SETTINGS) == 7
    (arguments, keywords), (settings, names, pipes, more) = made
    assert arguments == (loader.reload, loader.on_ready)
    assert keywords == {"count": 3, "grace_seconds": 5}
    assert (settings, len(names), pipes, more) == (SETTINGS, 1, "pipes", {"grace_seconds": 5})
    assert told == ["STOPPING=1"]
    assert list(tmp_path.iterdir()) == []


def test_the_sockets_listen_before_a_worker_serves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as stack:
        (listener,) = serve._listeners(parsed("--port", str(port)), stack)
        with socket.create_connection(("127.0.0.1", port), timeout=60):
            pass
        with pytest.raises(CommandError, match="another process listens there"):
            serve._listeners(parsed("--port", str(port)), stack)
    assert listener.fileno() == -1


def test_a_worker_of_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Server:
        def __init__(self, config: uvicorn.Config, pipes: Pipes) -> None:
            made.append((config, pipes))

        def run(self, listeners: list[socket.socket]) -> None:
            made.append(listeners)

    class Config:
        def __init__(self, app: Any, **keywords: Any) -> None:
            made.append((app, keywords))

    monkeypatch.setattr(worker, "_Server", Server)
    monkeypatch.setattr("oidc_gate.cli.worker.uvicorn.Config", Config)
    given: Any = ("listener",)
    assert worker.serve(SETTINGS, given, Pipes(1, 2), grace_seconds=9) == 0
    (app, keywords), (_, pipes), listeners = made
    assert isinstance(app, AuthBackend)
    assert keywords == {
        "http": VerdictProtocol,
        "proxy_headers": False,
        "server_header": False,
        "date_header": False,
        "access_log": False,
        "log_level": "warning",
        "ws": "none",
        "timeout_graceful_shutdown": 9,
    }
    assert (pipes, listeners) == (Pipes(1, 2), ["listener"])


@pytest.mark.parametrize("is_unix", [False, True])
def test_granian(is_unix: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Any] = []
    ready: list[Any] = []

    class Server:
        def __init__(self, loader: Any, settings: Any, **keywords: Any) -> None:
            made.append((loader, settings, keywords))

        def on_startup(self, call: Any) -> None:
            made.append(call)

        def serve(self) -> None:
            made.append("serve")

    monkeypatch.setattr(granian_server, "_Server", Server)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    more = ("--uds", str(path), "--uds-mode", "600", "--config", "gate.toml") if is_unix else ()
    options = parsed(
        "--server", "granian", "--workers", "2", "--graceful-timeout", "5", "--log-level", "debug", *more
    )
    loader: Any = Loader()
    monkeypatch.setattr(loader, "on_ready", ready.append)
    os.environ.pop("OIDC_GATE_CONFIG", None)
    assert granian_server.serve(options, loader, SETTINGS) == 0
    (given_loader, settings, keywords), call, served = made
    http1 = keywords.pop("http1_settings")
    assert (given_loader, settings, served) == (loader, SETTINGS, "serve")
    assert {name: str(getattr(value, "value", value)) for name, value in keywords.items()} == {
        "factory": "True",
        "address": "127.0.0.1",
        "port": "4180",
        "uds": str(path) if is_unix else "None",
        "uds_permissions": str(0o600) if is_unix else "None",
        "workers": "2",
        "workers_kill_timeout": "5",
        "respawn_failed_workers": "True",
        "interface": "asgi",
        "http": "1",
        "websockets": "False",
        "log_access": "False",
    }
    assert (http1.header_read_timeout, http1.max_buffer_size) == (10_000, 65_536)
    call()
    assert ready == [SETTINGS]
    assert path.exists() is not is_unix  # one that a dead server left
    assert os.environ["_OIDC_GATE_LOG_LEVEL"] == "debug"
    assert os.environ["OIDC_GATE_LOG_FORMAT"] == "text"
    assert os.environ.get("OIDC_GATE_CONFIG") == ("gate.toml" if is_unix else None)


def test_a_worker_of_granian(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up: list[tuple[str, str]] = []
    monkeypatch.setattr(granian_server, "set_up_logging", lambda *given: set_up.append(given))
    monkeypatch.setattr(os, "environ", environ_for_tests() | {"OIDC_GATE_PUBLIC_URL": URL})
    assert isinstance(granian_server.application(), AuthBackend)
    os.environ |= {"_OIDC_GATE_LOG_LEVEL": "error", "OIDC_GATE_LOG_FORMAT": "json"}
    granian_server.application()
    assert set_up == [("info", "text"), ("error", "json")]
    assert f"{granian_server.__name__}:{granian_server.application.__name__}" == granian_server.APPLICATION
