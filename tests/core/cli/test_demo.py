"""`oidc-gate demo APPLICATION`: finding an application, and the environment that it is imported in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.application import NotFound, find_application
from oidc_gate.cli.demo import settings_for

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
