"""What type checkers must accept. Nothing here is run: `make check` has mypy and pyright read it."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any, assert_type
from wsgiref.simple_server import make_server

from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple

import oidc_gate
import oidc_gate.asgi
import oidc_gate.wsgi
from oidc_gate import AuthBackend, OIDCGate, Settings
from oidc_gate.settings.keywords import LoadKeywords
from oidc_gate.testing import settings_for_tests, signed_in

SETTINGS = Settings.load(client_id="app", config=Path("gate.toml"), environ=os.environ)
Scope = MutableMapping[str, Any]


def wsgi_function(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return [b""]


async def asgi_function(
    scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None: ...


class WSGIClass:
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        return []


def the_interface_follows_from_the_application(anything: Any) -> None:
    flask_app, starlette, fastapi = Flask(__name__), Starlette(), FastAPI()
    assert_type(OIDCGate(wsgi_function), oidc_gate.wsgi.OIDCGate)
    assert_type(OIDCGate(WSGIClass()), oidc_gate.wsgi.OIDCGate)
    assert_type(OIDCGate(flask_app), oidc_gate.wsgi.OIDCGate)
    assert_type(OIDCGate(flask_app.wsgi_app, SETTINGS), oidc_gate.wsgi.OIDCGate)
    assert_type(OIDCGate(asgi_function), oidc_gate.asgi.OIDCGate)
    assert_type(OIDCGate(starlette), oidc_gate.asgi.OIDCGate)
    assert_type(OIDCGate(fastapi, SETTINGS), oidc_gate.asgi.OIDCGate)
    assert_type(OIDCGate(wsgi_function, interface="wsgi"), oidc_gate.wsgi.OIDCGate)
    assert_type(OIDCGate(asgi_function, interface="asgi"), oidc_gate.asgi.OIDCGate)
    assert_type(OIDCGate(functools.partial(asgi_function)), oidc_gate.asgi.OIDCGate)
    assert_type(AuthBackend(interface="wsgi"), oidc_gate.wsgi.AuthBackend)
    assert_type(AuthBackend(SETTINGS, interface="asgi"), oidc_gate.asgi.AuthBackend)
    OIDCGate(anything)  # Django's applications have no types


def settings_are_keywords(keywords: LoadKeywords) -> None:
    for gate in (OIDCGate, oidc_gate.wsgi.OIDCGate):
        gate(wsgi_function, client_id=os.environ.get("CLIENT_ID"), client_secret=None, config="gate.toml")
    OIDCGate(asgi_function, allowed_groups=["staff"], allowed_emails={"a@example.com"}, public_paths="/*")
    OIDCGate(asgi_function, provider_timeout_seconds=5, max_age_seconds=None, cookie_samesite="Strict")
    OIDCGate(asgi_function, id_token_algorithms=["ES256", "EdDSA"], client_auth="private_key_jwt")
    OIDCGate(asgi_function, authorization_params={"hd": "example.com"}, cookie_secret=("new", "old"))
    oidc_gate.asgi.OIDCGate(asgi_function, **keywords)
    AuthBackend(interface="wsgi", public_url="https://app.example.com", allow_everyone=True)
    oidc_gate.asgi.AuthBackend(SETTINGS)
    Settings(issuer="https://op.example.com", client_id="app", cookie_secret="x", scopes="openid email")
    settings_for_tests(allowed_groups=["staff"])


def middleware() -> None:
    starlette, fastapi = Starlette(middleware=[Middleware(OIDCGate, prefix="/login")]), FastAPI()
    starlette.add_middleware(OIDCGate)
    starlette.add_middleware(OIDCGate, SETTINGS)
    fastapi.add_middleware(OIDCGate, auto_sign_in=True, allowed_groups=["staff"])
    fastapi.add_middleware(oidc_gate.asgi.OIDCGate, cookie_samesite="Lax")


def servers_and_frameworks_take_it() -> None:
    flask_app, fastapi = Flask(__name__), FastAPI()
    gated, agated = OIDCGate(flask_app), OIDCGate(fastapi)
    run_simple("localhost", 8000, gated)
    make_server("localhost", 8000, gated)
    DispatcherMiddleware(flask_app.wsgi_app, {"/oauth2": oidc_gate.wsgi.AuthBackend()})
    fastapi.mount("/oauth2", oidc_gate.asgi.AuthBackend())
    Starlette(routes=[Mount("/", app=agated), Mount("/oauth2", app=AuthBackend(interface="asgi"))])
    TestClient(agated)
    with signed_in(gated, email="ada@example.com") as identity:
        assert_type(identity, oidc_gate.Identity)
