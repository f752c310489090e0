from __future__ import annotations

import inspect
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

import oidc_gate
from oidc_gate.ext import fastapi as ext_fastapi
from oidc_gate.ext._require import refusal, required_groups
from oidc_gate.ext.fastapi import CurrentIdentity, OptionalIdentity
from oidc_gate.ext.starlette import current_identity, require
from oidc_gate.model import Identity
from oidc_gate.testing import settings_for_tests, signed_in

GATE: Any = oidc_gate.OIDCGate
PAGE = {"Accept": "text/html"}


async def me(request: Request) -> JSONResponse:
    identity = current_identity(request)
    return JSONResponse(identity.email if identity else None)


@require(group="staff")
async def staff(request: Request) -> PlainTextResponse:
    return PlainTextResponse("staff only")


@require()
def mine(request: Request) -> PlainTextResponse:
    return PlainTextResponse("mine")


@requires("authenticated")
async def own_way(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.user.display_name)


@requires("group:staff")
async def own_group(request: Request) -> PlainTextResponse:
    return PlainTextResponse("own group")


class Reports(HTTPEndpoint):
    @require(group=("staff", "admins"))
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("reports")


@require(group="staff")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    identity = current_identity(websocket)
    await websocket.send_text(identity.email if identity else "nobody")
    await websocket.close()


@requires("authenticated", status_code=401)
async def own_401(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.user.display_name)


def make_app(**changes: Any) -> Starlette:
    app = Starlette(
        routes=[
            *(Route(path, me) for path in ("/me", "/open/me")),
            Route("/staff", staff),
            Route("/open/mine", mine),
            *(Route(path, own_way) for path in ("/own", "/open/own")),
            Route("/own-group", own_group),
            Route("/reports", Reports),
            Route("/open/own-401", own_401),
            Route("/open/own-group", own_group),
            WebSocketRoute("/socket", socket),
            WebSocketRoute("/open/socket", socket),
        ]
    )
    app.add_middleware(GATE, settings=settings_for_tests(public_paths=["/open/*"], **changes))
    return app


@pytest.fixture(scope="module")
def app() -> Starlette:
    return make_app()


def test_starlettes_own_way_works(app: Starlette) -> None:
    client = TestClient(app)
    with signed_in(app, email="alice@example.com", groups=["staff"]):
        assert client.get("/own").text == "alice@example.com"
        assert client.get("/own-group").text == "own group"
    with signed_in(app, email="alice@example.com"):
        assert client.get("/own-group").status_code == 403
    assert client.get("/open/own").status_code == 403


def test_current_identity_and_require(app: Starlette) -> None:
    client = TestClient(app)
    with signed_in(app, email="alice@example.com", groups=["staff"]):
        assert client.get("/me").json() == "alice@example.com"
        assert [client.get(path).status_code for path in ("/staff", "/open/mine", "/reports")] == [200] * 3
        with client.websocket_connect("/socket") as opened:
            assert opened.receive_text() == "alice@example.com"
    with signed_in(app, groups=["guests"]):
        assert [client.get(path).status_code for path in ("/staff", "/open/mine", "/reports")] == [
            403,
            200,
            403,
        ]
        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/socket"):
            pass
        assert closed.value.code == 1008
    assert client.get("/open/me").json() is None


def test_a_websocket_of_nobody_is_denied_by_the_gate(app: Starlette) -> None:
    with pytest.raises(WebSocketDenialResponse) as denied, TestClient(app).websocket_connect("/socket"):
        pass
    assert denied.value.status_code == 401


def test_its_401_on_a_public_path_is_the_sign_in(app: Starlette) -> None:
    answer = TestClient(app).get("/open/mine?x=1", headers=PAGE)
    assert answer.status_code == 401
    assert "/oauth2/start?rd=/open/mine%3Fx%3D1" in answer.text


def test_a_user_whom_the_rules_refuse_is_nobody_on_a_public_path() -> None:
    app = make_app(allowed_email_domains=["corp.example"])
    client = TestClient(app)
    with signed_in(app, email="eve@evil.example", groups=["staff"]):
        assert client.get("/open/me").json() is None
        assert client.get("/open/own").status_code == 403
        assert client.get("/open/own-group").status_code == 403
        assert [client.get(path).status_code for path in ("/open/own-401", "/open/mine")] == [401, 401]
        for path in ("/open/own-401", "/open/mine"):
            denied = client.get(path, headers=PAGE)
            assert (denied.status_code, "You do not have access" in denied.text) == (403, True)
        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/open/socket"):
            pass
        assert closed.value.code == 1008
    with signed_in(app, email="alice@corp.example", groups=["staff"]):
        for path in ("/open/own", "/open/own-401"):
            assert client.get(path).text == "alice@corp.example"
        with client.websocket_connect("/open/socket") as opened:
            assert opened.receive_text() == "alice@corp.example"


def make_api(**changes: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(GATE, settings=settings_for_tests(public_paths=["/open/*"], **changes))

    @app.get("/me")
    @app.get("/open/me")
    def me(identity: CurrentIdentity) -> str:
        return identity.email

    @app.get("/open/perhaps")
    async def perhaps(identity: OptionalIdentity) -> str | None:
        return identity.email if identity else None

    @app.get("/staff", dependencies=[Depends(ext_fastapi.require(group="staff"))])
    def staff() -> str:
        return "staff only"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, identity: CurrentIdentity) -> None:
        await websocket.accept()
        await websocket.send_text(identity.email)
        await websocket.close()

    return app


@pytest.fixture(scope="module")
def api() -> FastAPI:
    return make_api()


def test_fastapi_a_user_whom_the_rules_refuse_is_nobody_on_a_public_path() -> None:
    api = make_api(allowed_email_domains=["corp.example"])
    client = TestClient(api)
    with signed_in(api, email="eve@evil.example", groups=["staff"]):
        assert client.get("/open/perhaps").json() is None
        assert client.get("/open/me").status_code == 401
        denied = client.get("/open/me", headers=PAGE)
        assert (denied.status_code, "You do not have access" in denied.text) == (403, True)


def test_fastapi_dependencies(api: FastAPI) -> None:
    client = TestClient(api)
    with signed_in(api, email="alice@example.com", groups=["staff"]):
        assert client.get("/me").json() == "alice@example.com"
        assert client.get("/open/perhaps").json() == "alice@example.com"
        assert client.get("/staff").json() == "staff only"
        with client.websocket_connect("/socket") as opened:
            assert opened.receive_text() == "alice@example.com"
    with signed_in(api, email="bob@example.com"):
        assert client.get("/staff").status_code == 403
    assert client.get("/open/perhaps").json() is None
    assert client.get("/open/me").status_code == 401
    assert "/oauth2/start?rd=/open/me" in client.get("/open/me", headers=PAGE).text


def test_fastapi_describes_no_parameter_of_it(api: FastAPI) -> None:
    described = api.openapi()["paths"]
    assert "parameters" not in described["/me"]["get"]


def test_without_a_gate_nobody_is_signed_in() -> None:
    app = Starlette(routes=[Route("/", mine)])
    assert TestClient(app).get("/", headers={"oidc_gate.identity": "alice"}).status_code == 401


def test_whole_refusals() -> None:
    """Without a gate in front, which would replace the 401 for a browser."""
    app = Starlette(routes=[Route("/", mine), Route("/staff", staff), WebSocketRoute("/socket", socket)])
    client = TestClient(app)
    for path in ("/", "/staff"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (401, "Sign in to continue.")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/socket"):
        pass
    assert closed.value.code == 1008


def test_a_refusal_to_a_signed_in_user(app: Starlette) -> None:
    with signed_in(app, groups=["guests"]):
        answer = TestClient(app).get("/staff")
    assert (answer.status_code, answer.text) == (403, "You are signed in, but you may not do this.")
    assert "WWW-Authenticate" not in answer.headers


def test_require_keeps_the_name_and_the_kind_of_an_endpoint() -> None:
    assert (staff.__name__, mine.__name__) == ("staff", "mine")
    assert inspect.iscoroutinefunction(staff)
    assert not inspect.iscoroutinefunction(mine)


@pytest.mark.parametrize(
    ("group", "groups", "status"),
    [
        (None, (), 0),
        ("a", ("a",), 0),
        ("a", ("b",), 403),
        (("a", "b"), ("b", "c"), 0),
        (("a", "b"), (), 403),
        ("ab", ("a", "b"), 403),
    ],
)
def test_which_groups_suffice(group: Any, groups: tuple[str, ...], status: int) -> None:
    required = required_groups(group)
    assert refusal(Identity("https://op.example", "ada", groups=groups), required) == status
    assert refusal(None, required) == 401


@pytest.mark.parametrize("group", ["", (), ("a", ""), ("",)])
def test_a_rule_without_a_group_is_an_error(group: Any) -> None:
    for make in (require, ext_fastapi.require):
        with pytest.raises(ValueError, match="a group name is empty, or there is no group"):
            make(group=group)
