"""`OIDCGate(app)`: which gate it makes, and which mistakes it points out."""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette

import oidc_gate
from oidc_gate import AuthBackend, OIDCGate, asgi, wsgi
from oidc_gate.testing import settings_for_tests

SETTINGS = settings_for_tests(public_url="https://app.example.com")


def wsgi_app(environ: Any, start_response: Any) -> Any: ...


async def asgi_app(scope: Any, receive: Any, send: Any) -> None: ...


def sync_asgi_app(scope: Any, receive: Any, send: Any) -> Any: ...


def anything(*args: Any) -> Any: ...


def passing_on(app: Any) -> Any:
    @functools.wraps(app)
    def decorated(*args: Any, **keywords: Any) -> Any:
        return app(*args, **keywords)

    return decorated


def as_asgi(app: Any) -> Any:
    """An adapter that bears the name, and so the `__wrapped__`, of what it adapts."""

    @functools.wraps(app)
    def adapted(scope: Any, receive: Any, send: Any) -> Any: ...

    return adapted


def bound(number: int, environ: Any, start_response: Any) -> Any: ...


def with_options(environ: Any, start_response: Any, **options: Any) -> Any: ...


class WSGI:
    def __call__(self, environ: Any, start_response: Any, exc_info: Any = None) -> Any: ...

    def method(self, environ: Any, start_response: Any) -> Any: ...


class ASGI:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    @passing_on
    def method(self, scope: Any, receive: Any, send: Any) -> Any: ...


class Decorated:
    @passing_on
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class Anything:
    def __call__(self, *args: Any) -> Any: ...


def wrapped_in_an_object(app: Any) -> Any:
    """A decorator that is a class, and calls `functools.update_wrapper`."""
    return functools.update_wrapper(Anything(), app)


class StaticallyDecorated:
    __call__ = staticmethod(passing_on(wsgi_app))


class ClassAsApplication:
    """PEP 3333: a class may be the application."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...


SEEN: list[tuple[str, Any]] = [
    ("wsgi", wsgi_app),
    ("wsgi", WSGI()),
    ("wsgi", WSGI().method),
    ("wsgi", Decorated()),
    ("wsgi", StaticallyDecorated()),
    ("wsgi", ClassAsApplication),
    ("wsgi", passing_on(passing_on(wsgi_app))),
    ("wsgi", wrapped_in_an_object(wsgi_app)),
    ("wsgi", with_options),
    ("wsgi", functools.partial(wsgi_app)),
    ("wsgi", functools.partial(bound, 1)),
    ("wsgi", functools.partial(passing_on(wsgi_app))),
    ("wsgi", Flask("app")),
    ("wsgi", Flask("app").wsgi_app),
    ("asgi", asgi_app),
    ("asgi", sync_asgi_app),
    ("asgi", ASGI()),
    ("asgi", ASGI().__call__),
    ("asgi", ASGI().method),
    ("asgi", passing_on(asgi_app)),
    ("asgi", wrapped_in_an_object(asgi_app)),
    ("asgi", functools.partial(asgi_app)),
    ("asgi", as_asgi(wsgi_app)),
    ("asgi", Starlette()),
    ("asgi", FastAPI()),
]
UNSEEN: list[Any] = [
    anything,
    functools.partial(anything),
    functools.partial(bound, 1, 2),
    functools.partial(bound, number=1),
    lambda: None,
    passing_on(anything),
    Anything(),
    Anything().__call__,
    wrapped_in_an_object(anything),
]
NAMES_OF_UNSEEN = [
    *("*args", "partial", "bound partial", "partial with a keyword", "no parameters", "decorated"),
    *("object", "method", "decorated object"),
]
OTHER = {"wsgi": "asgi", "asgi": "wsgi"}
GATES: dict[str, Any] = {"wsgi": wsgi.OIDCGate, "asgi": asgi.OIDCGate}


@pytest.mark.parametrize(("interface", "app"), SEEN, ids=lambda value: str(value)[:20])
def test_the_gate_follows_from_the_application(interface: Any, app: Any) -> None:
    assert type(OIDCGate(app, SETTINGS)) is GATES[interface]
    assert type(OIDCGate(app, SETTINGS, interface=interface)) is GATES[interface]


@pytest.mark.parametrize(("interface", "app"), SEEN, ids=lambda value: str(value)[:20])
def test_an_interface_that_contradicts_the_application_is_refused(interface: str, app: Any) -> None:
    for make in (functools.partial(OIDCGate, interface=OTHER[interface]), GATES[OTHER[interface]]):
        with pytest.raises(TypeError, match=rf"Fix: .*oidc_gate\.{interface}\.OIDCGate\(app\)"):
            make(app, SETTINGS)


@pytest.mark.parametrize("app", UNSEEN, ids=NAMES_OF_UNSEEN)
def test_an_application_that_does_not_show_its_interface_needs_the_word(app: Any) -> None:
    with pytest.raises(TypeError, match='interface="wsgi"') as caught:
        OIDCGate(app, SETTINGS)
    assert 'interface="asgi"' in str(caught.value)
    assert type(OIDCGate(app, SETTINGS, interface="wsgi")) is wsgi.OIDCGate
    assert type(OIDCGate(app, SETTINGS, interface="asgi")) is asgi.OIDCGate


def test_decorators_in_a_circle_do_not_hang() -> None:
    one, two = passing_on(anything), passing_on(anything)
    one.__wrapped__, two.__wrapped__ = two, one
    with pytest.raises(TypeError, match="interface="):
        OIDCGate(one, SETTINGS)


@pytest.mark.parametrize("word", ["WSGI", "http", "", 3])
def test_another_word_for_the_interface_is_refused(word: Any) -> None:
    for make in (functools.partial(OIDCGate, wsgi_app), AuthBackend):
        with pytest.raises(ValueError, match='interface="wsgi" or interface="asgi"'):
            make(settings=SETTINGS, interface=word)


def test_a_backend_is_of_the_interface_that_is_named() -> None:
    assert type(AuthBackend(SETTINGS, interface="wsgi")) is wsgi.AuthBackend
    assert type(AuthBackend(SETTINGS, interface="asgi")) is asgi.AuthBackend


@pytest.mark.parametrize("app", ["app:app", None, 3], ids=str)
@pytest.mark.parametrize("gate", [OIDCGate, wsgi.OIDCGate, asgi.OIDCGate])
def test_what_cannot_be_called_is_refused(gate: Any, app: Any) -> None:
    with pytest.raises(TypeError, match="Fix: give it the application object"):
        gate(app, SETTINGS)


def a_gate_of_wsgi() -> Any:
    return OIDCGate(wsgi_app, SETTINGS)


def a_gate_of_asgi() -> Any:
    return OIDCGate(asgi_app, SETTINGS)


def a_flask_application_that_is_gated() -> Any:
    app = Flask("app")
    app.wsgi_app = OIDCGate(app.wsgi_app, SETTINGS)  # type: ignore[method-assign]
    return app


def an_application_whose_asgi_app_is_gated() -> Any:
    app = ASGI()
    vars(app)["asgi_app"] = OIDCGate(asgi_app, SETTINGS)  # as Quart has it
    return app


def a_starlette_application_that_is_gated() -> Any:
    app = Starlette()
    app.add_middleware(OIDCGate, SETTINGS)
    return app


def a_fastapi_application_that_is_gated() -> Any:
    app = FastAPI()
    app.add_middleware(asgi.OIDCGate, SETTINGS)
    return app


@pytest.mark.parametrize(
    "gated",
    [
        a_gate_of_wsgi,
        a_gate_of_asgi,
        a_flask_application_that_is_gated,
        an_application_whose_asgi_app_is_gated,
        a_starlette_application_that_is_gated,
        a_fastapi_application_that_is_gated,
    ],
)
def test_a_second_gate_is_refused(gated: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="behind a gate already"):
        OIDCGate(gated(), SETTINGS)


@pytest.mark.parametrize(("module", "name"), [("oidc_gate.ext.other", "Other"), ("other.gate", "OIDCGate")])
def test_another_middleware_is_no_gate(module: str, name: str) -> None:
    app = Starlette()
    other: Any = type(name, (), {"__module__": module})
    app.add_middleware(other)
    assert type(OIDCGate(app, SETTINGS)) is asgi.OIDCGate


@pytest.mark.parametrize("name", ["run", "test_client", "add_url_rule"])
def test_the_gate_does_not_pretend_to_be_the_application(name: str) -> None:
    for app, instead in (
        (wsgi_app, "app.wsgi_app = OIDCGate(app.wsgi_app)"),
        (asgi_app, "app.add_middleware"),
    ):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'") as caught:
            getattr(OIDCGate(app, SETTINGS), name)
        assert instead in str(caught.value)


FLASK_MODULE = """
from flask import Flask
from oidc_gate import OIDCGate
from oidc_gate.testing import settings_for_tests
flask_app = Flask(__name__)
"""
AROUND = "app = OIDCGate(flask_app, settings_for_tests())"
INSIDE = "flask_app.wsgi_app = OIDCGate(flask_app.wsgi_app, settings_for_tests())"


@pytest.mark.parametrize(("line", "warns"), [(AROUND, True), (INSIDE, False)], ids=["around", "inside"])
def test_flask_run_would_serve_the_application_without_the_gate(
    tmp_path: Path, line: str, warns: bool
) -> None:
    """`flask run` finds the Flask object in the module. `flask routes` finds it in the same way."""
    (tmp_path / "site_of_mine.py").write_text(FLASK_MODULE + line)
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "site_of_mine", "routes"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert "static" in done.stdout, "it found the Flask application"
    assert ("the command flask serves this Flask object WITHOUT the gate" in done.stderr) == warns
    assert ("flask_app.wsgi_app = OIDCGate(flask_app.wsgi_app)" in done.stderr) == warns


@pytest.mark.parametrize(
    ("program", "variable", "app", "warns"),
    [
        ("/usr/bin/flask", "", Flask("app"), True),
        ("/lib/python/flask/__main__.py", "", Flask("app"), True),
        ("/usr/bin/python", "FLASK_RUN_FROM_CLI", Flask("app"), True),
        ("/usr/bin/fastapi", "", FastAPI(), True),
        ("C:\\Scripts\\fastapi.exe" if os.name == "nt" else "/usr/bin/fastapi", "", Starlette(), False),
        ("/usr/bin/gunicorn", "", Flask("app"), False),
        ("/usr/bin/uvicorn", "", FastAPI(), False),
        ("/usr/bin/flask", "", wsgi_app, False),
        ("/srv/site/__main__.py", "", Flask("app"), False),
        ("/srv/flask/site.py", "", Flask("app"), False),
        ("", "", Flask("app"), False),
    ],
)
def test_a_framework_command_that_serves_its_own_object(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    program: str,
    variable: str,
    app: Any,
    warns: bool,
) -> None:
    monkeypatch.setattr(sys, "argv", [program] if program else [])
    monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)
    if variable:
        monkeypatch.setenv(variable, "true")
    with caplog.at_level(logging.CRITICAL, "oidc_gate"):
        oidc_gate.OIDCGate(app, SETTINGS)
    assert ["WITHOUT the gate" in record.message for record in caplog.records] == [True] * warns


@pytest.mark.parametrize(
    ("package", "fix"),
    [
        ("flask", "write flask_app.wsgi_app = OIDCGate(flask_app.wsgi_app)"),
        ("quart", "write quart_app.asgi_app = OIDCGate(quart_app.asgi_app)"),
        ("fastapi", "write fastapi_app.add_middleware(OIDCGate)"),
        ("litestar", "serve the gated object with the command of an ASGI server, such as uvicorn"),
    ],
)
def test_each_framework_with_a_command_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, package: str, fix: str
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/usr/bin/{package}"])
    base = type("Application", (ASGI,), {"__module__": f"{package}.app"})
    with caplog.at_level(logging.CRITICAL, "oidc_gate"):
        OIDCGate(type("Site", (base,), {})(), SETTINGS)
    assert [record.message for record in caplog.records] == [
        f"the command {package} serves this Site object WITHOUT the gate: it searches the module for such an object, "
        f"and does not see the OIDCGate around it. Fix: {fix}."
    ]
