"""The examples with the gate around them: in this process with `signed_in`, and by their one command."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from oidc_gate.testing import environ_for_tests, signed_in
from tests.examples.visiting import Visitor, demo
from tests.real.process import REPOSITORY, environment

COMMANDS = (
    "examples.flask_app.app:app",
    "examples.fastapi_app.app:app",
    "examples.django_app.wsgi:application",
    "examples.django_app.asgi:application",
)
ANONYMOUS = "You are not signed in"


@pytest.fixture(params=["flask", "fastapi"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in environ_for_tests().items():
        monkeypatch.setenv(name, value)
    name = f"examples.{request.param}_app.app"
    sys.modules.pop(name, None)
    return importlib.import_module(name).app


def asking(app: Any) -> Callable[[str], Any]:
    client = app.test_client() if hasattr(app, "test_client") else TestClient(app)
    return lambda path: client.get(path)


def test_everybody_reads_the_public_page_alone(app: Any) -> None:
    get = asking(app)
    assert ANONYMOUS in get("/").text
    assert get("/reports").status_code == 401
    assert get("/admin").status_code == 401


def test_groups_decide_about_the_page_for_admins(app: Any) -> None:
    with signed_in(app, email="grace@example.com", groups=["staff"]):
        get = asking(app)
        assert "Welcome back" in get("/").text
        assert "<b>grace@example.com</b>, groups: staff" in get("/reports").text
        assert get("/admin").status_code == 403
    with signed_in(app, email="ada@example.com", groups=["admins"]):
        assert "<b>ada@example.com</b>" in asking(app)("/admin").text


def test_others_are_refused_everywhere_but_on_the_public_page(app: Any) -> None:
    with signed_in(app, email="eve@elsewhere.example", groups=["admins"]):
        get = asking(app)
        assert [get(path).status_code for path in ("/", "/reports", "/admin")] == [200, 403, 403]
        assert ANONYMOUS in get("/").text


DJANGO = """
from examples.django_app.{kind} import application
from django.test import Client
from oidc_gate.testing import signed_in

answers = []
for email, groups in (("grace@example.com", ["staff"]), ("ada@example.com", ["admins"]), ("eve@elsewhere.example", [])):
    with signed_in(application, email=email, groups=groups):
        client = Client(headers={{"host": "localhost"}})
        answers += [client.get(path).status_code for path in ("/", "/reports", "/admin")]
        seen = client.get("/reports").content.decode()
        assert (email in seen) == email.endswith("@example.com"), seen
print(answers)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_django(kind: str, tmp_path: Path) -> None:
    # A process of its own: Django is configured once in a process.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DJANGO.format(kind=kind)],
        cwd=tmp_path,
        env=environment(environ_for_tests()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[200, 200, 403, 200, 200, 200, 200, 403, 403]", done.stderr


@pytest.mark.real
@pytest.mark.parametrize("application", COMMANDS)
def test_one_command_runs_it(application: str, tmp_path: Path) -> None:
    with demo(application, directory=tmp_path) as server:
        visitor = Visitor(f"http://localhost:{server.port}")
        assert ANONYMOUS in visitor.open("/").text
        page = visitor.sign_in("grace", "/reports?month=5")
        assert page.url == f"{visitor.url}/reports?month=5"
        assert "<b>grace@example.com</b>, groups: staff" in page.text
        assert visitor.open("/admin").status_code == 403
        assert not re.search(r"[?&]code=", server.log_tail())
        eve = Visitor(visitor.url)
        refused = eve.sign_in("eve", "/reports")
        assert (refused.status_code, "eve@<wbr>elsewhere.example" in refused.text) == (403, True)
        assert ANONYMOUS in eve.open("/").text
        admin = Visitor(visitor.url).sign_in("ada", "/admin")
        assert "<b>ada@example.com</b>" in admin.text


@pytest.mark.parametrize("name", ["flask", "fastapi", "django"])
def test_make_and_readme_name_the_command(name: str) -> None:
    readme = (REPOSITORY / f"examples/{name}_app/README.md").read_text()
    command = next(command for command in COMMANDS if f".{name}_app." in command)
    assert f"make example-{name}" in readme
    assert f"oidc-gate demo {command}" in readme
    assert (
        f"example-{name}: $(VENV)/.stamp-examples\n\t$(BIN)/oidc-gate demo {command} $(DEMO_PORT)\n"
        in (REPOSITORY / "Makefile").read_text()
    )
