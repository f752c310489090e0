"""`signed_in` with every test client that people use, and what it must never be: a way in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

import flask
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import oidc_gate
import oidc_gate.asgi
import oidc_gate.wsgi
from oidc_gate.testing import environ_for_tests, session_cookie, settings_for_tests, signed_in

SETTINGS = settings_for_tests()
GATE: Any = oidc_gate.OIDCGate


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    identity = environ["oidc_gate.identity"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{identity.email}|{environ.get('HTTP_COOKIE', '')}".encode()]


async def ahello(scope: Any, receive: Any, send: Any) -> None:
    identity = scope["oidc_gate.identity"]
    await PlainTextResponse(f"{identity.email} {scope['user'].display_name}")(scope, receive, send)


def test_a_wsgi_gate_with_werkzeugs_client() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    client = Client(app)
    assert client.get("/").status_code == 401
    with signed_in(app, email="alice@example.com") as alice:
        assert client.get("/").text == "alice@example.com|"
        client.set_cookie("theme", "dark")
        assert client.get("/").text == "alice@example.com|theme=dark"
        assert alice.subject == "alice@example.com"
        assert alice.issuer == SETTINGS.issuer
        assert alice.email_verified
    assert client.get("/").status_code == 401
    assert type(app) is oidc_gate.wsgi.OIDCGate


def test_a_user_whose_groups_are_not_all_known() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    with signed_in(app, email="alice@example.com", groups=["staff"], groups_complete=False) as alice:
        assert Client(app).get("/").status_code == 200
        assert (alice.groups, alice.groups_complete) == (("staff",), False)


def test_a_flask_object_with_its_own_client() -> None:
    app = flask.Flask(__name__)
    app.wsgi_app = oidc_gate.OIDCGate(app.wsgi_app, SETTINGS)  # type: ignore[method-assign]

    @app.get("/")
    def home() -> dict[str, Any]:
        identity = flask.request.environ["oidc_gate.identity"]
        return {
            "sub": flask.request.remote_user,
            "groups": list(identity.groups),
            "tier": identity.claims["tier"],
        }

    with signed_in(app, subject="u-1", groups=["staff"], claims={"tier": 3}):
        assert app.test_client().get("/").json == {"sub": "u-1", "groups": ["staff"], "tier": 3}
    assert app.test_client().get("/").status_code == 401


async def show(request: Request) -> JSONResponse:
    return JSONResponse([request.user.display_name, request.auth.scopes])


@pytest.mark.parametrize("built", [False, True])
def test_a_starlette_object_whose_gate_is_built_when_it_first_serves(built: bool) -> None:
    app = Starlette(routes=[Route("/", show)], middleware=[Middleware(GATE, settings=SETTINGS)])
    if built:
        assert TestClient(app).get("/").status_code == 401
    with signed_in(app, email="a@example.com", groups=["g"]), TestClient(app) as client:
        assert client.get("/").json() == ["a@example.com", ["authenticated", "group:g"]]
    assert TestClient(app).get("/").status_code == 401


def test_fastapi() -> None:
    app = FastAPI()
    app.add_middleware(GATE, settings=SETTINGS)
    app.add_api_route("/", show)
    with signed_in(app, name="Alice"):
        assert TestClient(app).get("/").json() == ["Alice", ["authenticated"]]


def test_httpx_over_asgi() -> None:
    app = oidc_gate.OIDCGate(ahello, SETTINGS)

    async def ask() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://app") as client:
            return (await client.get("/")).text

    with signed_in(app, email="a@example.com"):
        assert asyncio.run(ask()) == "a@example.com a@example.com"


def test_a_gate_that_is_mounted_inside() -> None:
    gate = oidc_gate.OIDCGate(hello, SETTINGS)
    with signed_in(DispatcherMiddleware(hello, {"/inner": gate}), email="a@example.com"):
        assert Client(gate).get("/").status_code == 200
    agate = oidc_gate.OIDCGate(ahello, SETTINGS)
    with signed_in(Starlette(routes=[Mount("/inner", agate)]), email="a@example.com") as alice:
        assert alice.email == "a@example.com"


def test_the_rules_still_hold() -> None:
    settings = settings_for_tests(allowed_groups=["staff"], identity_headers=True)
    app = oidc_gate.OIDCGate(lambda environ, start: hello(environ, start), settings, interface="wsgi")
    client = Client(app)
    with signed_in(app, email="a@example.com", groups=["guests"]):
        assert client.get("/").status_code == 403
    with signed_in(app, email="a@example.com", groups=["staff"]):
        assert client.get("/").status_code == 200


def test_inside_another_the_inner_one_counts() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    client = Client(app)
    with signed_in(app, email="a@example.com"):
        with signed_in(app, email="b@example.com"):
            assert client.get("/").text == "b@example.com|"
        assert client.get("/").text == "a@example.com|"


def test_signing_out_ends_it_as_in_life_and_the_next_one_is_new() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    client = Client(app, use_cookies=False)
    with signed_in(app, email="a@example.com"):
        answer = client.post("/oauth2/sign_out", headers={"Sec-Fetch-Site": "same-origin"})
        location = answer.headers["Location"].partition("?")[0]
        assert (answer.status_code, location) == (303, "/oauth2/signed_out")
        assert client.get("/").status_code == 401
    with signed_in(app, email="a@example.com"):
        assert client.get("/").status_code == 200


def test_as_a_decorator() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)

    @signed_in(app, email="a@example.com")
    def inner() -> int:
        return Client(app).get("/").status_code

    assert inner() == 200
    assert inner() == 200


def test_another_gate_of_the_same_settings_stays_shut() -> None:
    app, other = oidc_gate.OIDCGate(hello, SETTINGS), oidc_gate.OIDCGate(hello, SETTINGS)
    with signed_in(app):
        assert Client(other).get("/").status_code == 401


def test_an_application_without_a_gate_is_an_error() -> None:
    with pytest.raises(LookupError, match="no OIDCGate in 'Flask'"), signed_in(flask.Flask(__name__)):
        pass


def test_the_gate_is_itself_again_after_an_exception() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    with pytest.raises(ZeroDivisionError), signed_in(app):
        raise ZeroDivisionError
    assert Client(app).get("/").status_code == 401


def test_nobody_looks_for_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "oidc_gate.runtime.http.Outbound.perform", lambda self, effect: asked.append(effect.url)
    )
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    before = set(threading.enumerate())  # one of another test may end meanwhile
    with signed_in(app):
        assert Client(app).get("/").status_code == 200
    assert (asked, set(threading.enumerate()) - before) == ([], set())


def test_the_time_may_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    from oidc_gate.runtime.world import World

    now = [1_800_000_000.0]
    app = oidc_gate.wsgi.OIDCGate(hello, SETTINGS, world=World(SETTINGS, clock=lambda: now[0]))
    with signed_in(app, email="a@example.com"):
        for hours in (0, 1, 7, 24, 1000):
            now[0] = 1_800_000_000 + 3600.0 * hours
            answer = Client(app).get("/")
            assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)


def test_the_gate_loads_nothing_of_it_and_holds_no_switch() -> None:
    program = (
        "import sys, oidc_gate, oidc_gate.wsgi, oidc_gate.asgi, oidc_gate.endpoints.callback;"
        "print([name for name in sys.modules if name.startswith('oidc_gate.testing')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "header",
    ["X-Signed-In", "Signed-In", "Oidc-Gate-Identity", "X-Forwarded-User", "Remote-User", "X-Remote-User"],
)
def test_no_header_signs_anybody_in(header: str) -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    assert Client(app).get("/", headers={header: "alice@example.com"}).status_code == 401


def test_settings_for_tests_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GATE_ALLOWED_GROUPS", "staff")
    assert settings_for_tests().allowed_groups == ()
    assert settings_for_tests(prefix="/auth").prefix == "/auth"
    for name, value in environ_for_tests().items():
        monkeypatch.setenv(name, value)
    assert oidc_gate.Settings.load().client_id == "tests"


def test_a_session_cookie_signs_in_the_requests_that_send_it_and_no_others() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    cookie = session_cookie(app, email="alice@example.com")
    client = Client(app, use_cookies=False)
    assert client.get("/", headers={"Cookie": cookie}).text == "alice@example.com|"
    assert client.get("/").status_code == 401
    with pytest.raises(LookupError, match="session_cookie: no OIDCGate"):
        session_cookie(hello)
