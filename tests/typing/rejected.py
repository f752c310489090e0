"""What type checkers must reject, each line by both: an ignore that is not needed is an error. Nothing here is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware

import oidc_gate.asgi
import oidc_gate.wsgi
from oidc_gate import AuthBackend, OIDCGate, Settings
from oidc_gate.testing import settings_for_tests


def wsgi_function(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return [b""]


async def asgi_function(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None: ...


def a_misspelt_keyword() -> None:
    OIDCGate(wsgi_function, alowed_groups=["staff"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    OIDCGate(asgi_function, alowed_groups=["staff"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    oidc_gate.wsgi.OIDCGate(wsgi_function, alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    oidc_gate.asgi.OIDCGate(asgi_function, alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AuthBackend(interface="wsgi", alowed_groups=["staff"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    oidc_gate.wsgi.AuthBackend(alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    oidc_gate.asgi.AuthBackend(alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Starlette().add_middleware(OIDCGate, alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FastAPI().add_middleware(oidc_gate.asgi.OIDCGate, alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Middleware(OIDCGate, alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Settings(alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Settings.load(alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    settings_for_tests(alowed_groups=["staff"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_wrong_choice() -> None:
    OIDCGate(wsgi_function, cookie_samesite="lax")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, client_auth="basic")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, id_token_algorithms=["none"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Starlette().add_middleware(OIDCGate, response_mode="fragment")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings.load(pushed_authorization_requests="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_wrong_type() -> None:
    OIDCGate(wsgi_function, prefix=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, dpop="true")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, session_idle_seconds="3600")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, allowed_groups=None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, authorization_params={"max": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(asgi_function, {"client_id": "app"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    FastAPI().add_middleware(OIDCGate, public_paths=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def a_wrong_interface(flask_app: Flask, fastapi: FastAPI) -> None:
    OIDCGate(wsgi_function, interface="asgi")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(flask_app, interface="asgi")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(fastapi, interface="wsgi")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    OIDCGate(wsgi_function, interface="WSGI")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    oidc_gate.wsgi.OIDCGate(asgi_function)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    oidc_gate.asgi.OIDCGate(flask_app)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AuthBackend()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    AuthBackend(interface="http")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Starlette().add_middleware(OIDCGate, interface="wsgi")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Starlette().add_middleware(oidc_gate.wsgi.OIDCGate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OIDCGate("app:app")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def methods_of_the_application(flask_app: Flask, fastapi: FastAPI) -> None:
    OIDCGate(flask_app).run()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    OIDCGate(fastapi).get("/")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def settings_are_frozen(settings: Settings) -> None:
    settings.prefix = "/other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
