"""`oidc-gate demo APPLICATION`: finding an application, and the environment that it is imported in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.application import NotFound, find_application, listen, serve
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.demo import settings_for

REPOSITORY = Path(__file__).parents[3]
URL = "http://localhost:8000"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return tmp_path


def test_an_application_is_found_below_the_current_directory(here: Path) -> None:
    (here / "demo_found.py").write_text(
        "class Box:\n    @staticmethod\n    def app(environ, start_response): ...\n"
    )
    assert find_application("demo_found:Box.app").__name__ == "app"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("demo_odd", "write module:attribute"),
        (":app", "write module:attribute"),
        ("demo_nowhere:app", "there is no module 'demo_nowhere'"),
        ("demo_odd:app", "has no 'app'"),
        ("demo_odd:number", "neither a WSGI nor an ASGI"),
        ("demo_odd:open_to_all", "neither a WSGI nor an ASGI"),
    ],
)
def test_what_is_no_application_is_told(here: Path, name: str, message: str) -> None:
    (here / "demo_odd.py").write_text("number = 3\ndef open_to_all(*args): ...\n")
    with pytest.raises(NotFound, match=message):
        find_application(name)


def test_an_error_inside_the_module_comes_as_it_is(here: Path) -> None:
    (here / "demo_broken.py").write_text("import surely_not_installed\n")
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        find_application("demo_broken:app")


def test_the_command_says_so_and_ends_with_2(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "demo_nowhere:app", "--port", "0"]) == 2
    assert "oidc-gate demo: there is no module 'demo_nowhere'" in capsys.readouterr().err


PLAIN = {
    "def app(environ, start_response): ...\n": "app = OIDCGate(app)",
    "async def app(scope, receive, send): ...\n": "app = OIDCGate(app)",
    "import flask\napp = flask.Flask('plain')\n": "app.wsgi_app = OIDCGate(app.wsgi_app)",
    "import fastapi\napp = fastapi.FastAPI()\n": "app.add_middleware(OIDCGate)",
}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "write"), PLAIN.items())
def test_an_application_that_is_not_gated_says_what_to_write(here: Path, text: str, write: str) -> None:
    (here / "demo_plain.py").write_text(text)
    argv = [sys.executable, "-m", "oidc_gate.cli", "demo", "demo_plain:app", "--port", "0"]
    done = subprocess.run(argv, cwd=here, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"demo_plain:app is not behind the gate, so there is nothing to sign in to; write in it: {write}\n"
        in done.stderr
    )


GATED = {
    "from oidc_gate import OIDCGate\ninner = OIDCGate(lambda environ, start_response: [])\n"
    "def app(environ, start_response): return inner(environ, start_response)\n",
    "import fastapi, oidc_gate\napp = fastapi.FastAPI()\napp.add_middleware(oidc_gate.OIDCGate)\n",
    "import flask, oidc_gate.wsgi\nfrom werkzeug.middleware.dispatcher import DispatcherMiddleware\n"
    "app = flask.Flask('mounted')\n"
    "app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {'/oauth2': oidc_gate.wsgi.AuthBackend()})\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", sorted(GATED))
def test_an_application_that_contains_a_gate_is_shown(here: Path, text: str) -> None:
    (here / "demo_gated.py").write_text(text)
    program = (
        "import os; from oidc_gate.cli.application import find_application, require_gate\n"
        "from oidc_gate.testing import environ_for_tests; os.environ |= environ_for_tests()\n"
        "os.environ['OIDC_GATE_PUBLIC_URL'] = 'http://localhost'\n"
        "require_gate('demo_gated:app', find_application('demo_gated:app'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=here, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demo", "--port", "65536"], "'65536' is not a port: write a number from 0 to 65535"),
        (["demo", "--provider-port", "-1"], "'-1' is not a port"),
        (["demo", "--port", "http"], "'http' is not a port"),
        (["serve", "--port", "70000"], "'70000' is not a port"),
        (["serve", "--port", "0"], "'0' is any free port, which no proxy knows: write one from 1 to 65535"),
        (["serve", "--workers", "0"], "write 1 or more"),
    ],
)
def test_ports_that_cannot_be_say_what_to_write(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--port", "--provider-port"])
def test_a_port_in_use_says_which_option_to_change(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with listen(0) as taken:
        number = str(taken.getsockname()[1])
        others = ["--port", "0"] if option != "--port" else []
        assert main(["demo", option, number, *others]) == 2
    assert f"port {number} is in use; choose another one: oidc-gate demo {option}" in capsys.readouterr().err


LOADED_WITH_A_SERVER = {
    f"oidc_gate.cli.{name}" for name in ("bounds", "verdicts", "worker", "granian_server")
}


@pytest.mark.parametrize("missing", ["uvicorn", "httptools", "granian"])
def test_what_the_serve_extra_installs_says_how_to_install_it(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == missing or name in LOADED_WITH_A_SERVER:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["serve", "--server", "granian" if missing == "granian" else "uvicorn"]) == 2
    assert f"{missing} is not installed; write: pip install 'oidc_gate[serve]'" in capsys.readouterr().err


@pytest.mark.parametrize(("missing", "app"), [("werkzeug", "wsgi"), ("uvicorn", "asgi")])
def test_what_the_demo_extra_installs_says_how_to_install_it(
    missing: str, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    applications: dict[str, Any] = {"wsgi": lambda environ, start_response: [], "asgi": _asgi}
    with listen(0) as listener, pytest.raises(CommandError, match=rf"{missing} is not .*oidc_gate\[demo\]"):
        serve(applications[app], listener)


async def _asgi(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize("target", ["demo", "example-flask", "example-fastapi", "example-django"])
def test_make_demo_passes_the_port_on(target: str) -> None:
    def last_line(*more: str) -> str:
        argv = ["make", "--no-print-directory", "-n", target, *more]
        env = {name: value for name, value in os.environ.items() if name not in ("PORT", "MAKEFLAGS")}
        done = subprocess.run(argv, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1].rstrip()

    assert last_line("PORT=8001").endswith(" --port 8001")
    assert "--port" not in last_line()


def test_nothing_that_is_set_is_replaced() -> None:
    settings = settings_for(
        URL, {"OIDC_GATE_CLIENT_ID": "mine", "OIDC_GATE_COOKIE_SECRET_FILE": "x", "PATH": "/"}
    )
    assert settings["OIDC_GATE_CLIENT_ID"] == "mine"
    assert "OIDC_GATE_COOKIE_SECRET" not in settings
    assert "PATH" not in settings
    assert settings["OIDC_GATE_PUBLIC_URL"] == URL


def test_a_provider_of_ones_own_comes_with_its_own_client() -> None:
    settings = settings_for(URL, {"OIDC_GATE_ISSUER": "https://id.example.com"})
    assert set(settings) == {"OIDC_GATE_ISSUER", "OIDC_GATE_COOKIE_SECRET", "OIDC_GATE_PUBLIC_URL"}


def test_secrets_are_new_each_time() -> None:
    first, second = settings_for(URL, {}), settings_for(URL, {})
    for name in ("OIDC_GATE_CLIENT_SECRET", "OIDC_GATE_COOKIE_SECRET"):
        assert first[name] != second[name]
