"""`access_token()` has the same name, and gives the same, in every framework."""

from __future__ import annotations

import asyncio
from typing import Any

import flask
import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

import oidc_gate
from oidc_gate.ext import fastapi as ext_fastapi
from oidc_gate.ext import flask as ext_flask
from oidc_gate.ext import starlette as ext_starlette
from oidc_gate.ext._require import TOKEN_KEY
from oidc_gate.shells.access_tokens import KEY
from oidc_gate.testing import settings_for_tests, signed_in

GATE: Any = oidc_gate.OIDCGate
TOKENS = [("opaque", "opaque"), ("", None)]


def flask_app() -> flask.Flask:
    app = flask.Flask(__name__)
    app.wsgi_app = GATE(app.wsgi_app, settings_for_tests(pass_access_token=True))  # type: ignore[method-assign]

    @app.get("/")
    def plain() -> Any:
        return flask.jsonify(ext_flask.access_token())

    @app.get("/async")
    async def aplain() -> Any:
        return flask.jsonify(await ext_flask.aaccess_token())

    return app


def starlette_app() -> Any:
    def plain(request: Request) -> JSONResponse:
        return JSONResponse(ext_starlette.access_token(request))

    async def aplain(request: Request) -> JSONResponse:
        return JSONResponse(await ext_starlette.aaccess_token(request))

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json(await ext_starlette.aaccess_token(websocket))
        await websocket.close()

    app = Starlette(routes=[Route("/", plain), Route("/async", aplain), WebSocketRoute("/ws", socket)])
    app.add_middleware(GATE, settings=settings_for_tests(pass_access_token=True))
    return app


def fastapi_app() -> Any:
    app = FastAPI()

    @app.get("/")
    def plain(request: Request) -> str | None:
        return ext_fastapi.access_token(request)

    @app.get("/async")
    async def aplain(token: ext_fastapi.AccessToken) -> str | None:
        return token

    app.add_middleware(GATE, settings=settings_for_tests(pass_access_token=True))
    return app


def test_the_key_is_that_of_the_shells() -> None:
    assert TOKEN_KEY == KEY


@pytest.mark.parametrize(("given", "expected"), TOKENS)
@pytest.mark.parametrize("path", ["/", "/async"])
def test_flask(given: str, expected: str | None, path: str) -> None:
    app = flask_app()
    with signed_in(app, access_token=given):
        assert app.test_client().get(path).json == expected


@pytest.mark.parametrize(("given", "expected"), TOKENS)
@pytest.mark.parametrize("path", ["/", "/async"])
@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
def test_starlette_and_fastapi(make: Any, given: str, expected: str | None, path: str) -> None:
    app = make()
    with signed_in(app, access_token=given), TestClient(app) as client:
        assert client.get(path).json() == expected


def test_a_websocket() -> None:
    app = starlette_app()
    with (
        signed_in(app, access_token="opaque"),
        TestClient(app) as client,
        client.websocket_connect("/ws") as socket,
    ):
        assert socket.receive_json() == "opaque"


class Known:
    """What the gate gives the application."""

    def get(self) -> str | None:
        return "opaque"

    async def aget(self) -> str | None:
        return "opaque, async"


@pytest.mark.parametrize("has_scope", [True, False])
def test_django(project: None, has_scope: bool) -> None:
    from oidc_gate.ext.django import aaccess_token, access_token

    request: HttpRequest = RequestFactory().get("/")
    assert access_token(request) is None
    assert asyncio.run(aaccess_token(request)) is None
    if has_scope:
        request.scope = {TOKEN_KEY: Known()}
    else:
        request.META[TOKEN_KEY] = Known()
    assert access_token(request) == "opaque"
    assert asyncio.run(aaccess_token(request)) == "opaque, async"
