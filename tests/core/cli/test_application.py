"""How `oidc-gate demo` finds an application and serves it: whole messages, and every argument of the servers."""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate import asgi, wsgi
from oidc_gate.cli import application
from oidc_gate.cli.application import NotFound, find_application, listen, refuse, require_gate
from oidc_gate.testing.settings import settings_for_tests

from .conftest import Opened

SETTINGS = settings_for_tests(public_url="https://app.example.com")


def plain(environ: Any, start_response: Any) -> Any: ...


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


NO_NAME = "does not name an application; write module:attribute, as in app:app"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, f"{name!r} {NO_NAME}") for name in ("", ":", "here_odd", "here_odd:", ":app")),
        ("here_nowhere:app", "there is no module 'here_nowhere', neither in {here} nor installed"),
        ("here_nowhere.inner:app", "there is no module 'here_nowhere', neither in {here} nor installed"),
        ("here_box.inner:app", "there is no module 'here_box.inner', neither in {here} nor installed"),
        ("here_odd:a.b", "the module 'here_odd' has no 'a.b'"),
        ("here_odd:number", "'here_odd:number' is neither a WSGI nor an ASGI application"),
    ],
)
def test_what_is_said_about_what_is_no_application(here: Path, name: str, message: str) -> None:
    (here / "here_odd.py").write_text("number = 3\na = 1\n")
    (here / "here_box").mkdir()
    (here / "here_box/__init__.py").write_text("")
    with pytest.raises(NotFound) as caught:
        find_application(name)
    assert str(caught.value) == message.format(here=os.getcwd())


@pytest.mark.parametrize("missing", ["here_broke", "here_brokenly", "broken", "", None])
def test_a_module_that_an_application_lacks_comes_as_it_is(here: Path, missing: str | None) -> None:
    (here / "here_broken.py").write_text(f"raise ModuleNotFoundError('lacks', name={missing!r})\n")
    with pytest.raises(ModuleNotFoundError, match="lacks"):
        find_application("here_broken:app")


def test_the_current_directory_is_first_and_named_once(here: Path) -> None:
    (here / "here_first.py").write_text("def app(environ, start_response): ...\n")
    for _ in range(2):
        find_application("here_first:app")
    assert sys.path[0] == os.getcwd()
    assert sys.path.count(os.getcwd()) == 1


ADVICE = "m:box.app is not behind the gate, so there is nothing to sign in to; write in it: "


@pytest.mark.parametrize(
    ("app", "write"),
    [
        (plain, "box.app = OIDCGate(box.app)"),
        (SimpleNamespace(wsgi_app=plain), "box.app.wsgi_app = OIDCGate(box.app.wsgi_app)"),
        (SimpleNamespace(add_middleware=plain), "box.app.add_middleware(OIDCGate)"),
    ],
    ids=["function", "flask", "starlette"],
)
def test_an_application_without_a_gate_is_told_what_to_write(
    app: Any, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "gc", SimpleNamespace(get_objects=lambda: [plain, "text"]))
    with pytest.raises(NotFound) as caught:
        require_gate("m:box.app", app)
    assert str(caught.value) == ADVICE + write


@pytest.mark.parametrize(
    "gate",
    [
        wsgi.OIDCGate(plain, SETTINGS),
        asgi.OIDCGate(plain_asgi, SETTINGS),
        wsgi.AuthBackend(SETTINGS),
        asgi.AuthBackend(SETTINGS),
    ],
    ids=lambda gate: f"{type(gate).__module__.split('.')[1]} {type(gate).__name__}",
)
def test_any_gate_of_the_process_is_sufficient(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "gc", SimpleNamespace(get_objects=lambda: ["text", gate]))
    require_gate("m:app", plain)
    monkeypatch.setattr(application, "gc", SimpleNamespace(get_objects=list))
    if isinstance(gate, wsgi.OIDCGate | asgi.OIDCGate):
        require_gate("m:app", gate)


def test_the_port_of_a_demo_is_taken_again_at_once_and_only_on_loopback() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_a_port_that_is_in_use_leaves_no_socket_open(watch_sockets: Opened) -> None:
    with listen(0) as taken:
        opened = watch_sockets()
        with pytest.raises(OSError, match="in use"):
            listen(taken.getsockname()[1])
    assert [each.fileno() for each in opened] == [-1]


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_wsgi_is_served_with_threads_and_without_an_access_log(
    is_interrupted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[object] = []

    class Server:
        def serve_forever(self) -> None:
            did.append("serve")
            if is_interrupted:
                raise KeyboardInterrupt

        def server_close(self) -> None:
            did.append("close")

    def make_server(*given: object, **keywords: object) -> Server:
        did.append((given, keywords))
        return Server()

    monkeypatch.setattr("werkzeug.serving.make_server", make_server)
    log = logging.getLogger("werkzeug")
    monkeypatch.setattr(log, "level", logging.INFO)
    with listen(0) as listener:
        port = listener.getsockname()[1]
        application.serve(plain, listener)
        expected = (("127.0.0.1", port, plain), {"threaded": True, "fd": listener.fileno()})
    assert did == [expected, "serve", "close"]
    assert log.level == logging.WARNING
    assert capsys.readouterr().out == ("\n" if is_interrupted else "")


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_asgi_is_served_without_an_access_log_and_trusts_no_proxy(
    is_interrupted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[object] = []

    class Server:
        def __init__(self, config: object) -> None:
            did.append(config)

        def run(self, sockets: object) -> None:
            did.append(sockets)
            if is_interrupted:
                raise KeyboardInterrupt

    monkeypatch.setattr("uvicorn.Config", lambda *given, **keywords: (given, keywords))
    monkeypatch.setattr("uvicorn.Server", Server)
    with listen(0) as listener:
        application.serve(plain_asgi, listener)
    keywords = {"proxy_headers": False, "log_level": "warning", "access_log": False, "log_config": None}
    assert did == [((plain_asgi,), keywords), [listener]]
    assert capsys.readouterr().out == ("\n" if is_interrupted else "")


def test_a_refusal_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert refuse("there is no module") == 2
    assert capsys.readouterr() == ("", "oidc-gate demo: there is no module\n")
