"""Sends the requests of Django's test clients through the gate.

These clients call Django directly, and so do not pass what wraps it. Import this module only in a process that has
imported Django.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test.client import AsyncClientHandler, ClientHandler

from .. import asgi, wsgi
from .gate_session import Gate, TestSession, subclass_for
from .gates import leads_to


@contextmanager
def through_the_gate(gate: Gate, session: TestSession) -> Iterator[None]:
    """Within the ``with``, send requests of ``Client`` and ``AsyncClient`` through `gate`, if it wraps Django."""
    if not leads_to(gate, BaseHandler):
        yield
        return
    sync_call, async_call = ClientHandler.__call__, AsyncClientHandler.__call__
    try:
        ClientHandler.__call__ = _sync(sync_call, gate, session)
        AsyncClientHandler.__call__ = _async(async_call, gate, session)
        yield
    finally:
        ClientHandler.__call__, AsyncClientHandler.__call__ = sync_call, async_call


def _copy(kind: type[Gate], gate: Gate, session: TestSession, application: Any) -> Any:
    """Return a gate of the class `kind`, with the state of `gate`, in front of `application`."""
    copy = subclass_for(kind, session)(application, gate._runtime.gate.settings, world=gate._runtime.world)
    copy._runtime.warmed_up_pid = os.getpid()  # no discovery, because there is no provider
    return copy


def _sync(call: Any, gate: Gate, session: TestSession) -> Any:
    def through(handler: Any, environ: dict[str, Any]) -> Any:
        answers: list[Any] = []
        messages: list[Any] = []

        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            answers.append(call(handler, environ))
            return []

        copy = _copy(wsgi.OIDCGate, gate, session, application)
        if not environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = environ["SERVER_NAME"]
        body = b"".join(copy(environ, lambda *start: messages.append(start)))
        if answers:
            return answers[0]
        status, headers = messages[0]
        response = HttpResponse(body, status=int(status[:3]), headers=dict(headers))
        response.wsgi_request = WSGIRequest(environ)
        return response

    return through


def _async(call: Any, gate: Gate, session: TestSession) -> Any:
    async def through(handler: Any, scope: dict[str, Any]) -> Any:
        answers: list[Any] = []
        messages: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            answers.append(await call(handler, scope))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        copy = _copy(asgi.OIDCGate, gate, session, application)
        if isinstance(scope.get("query_string"), str):  # Django's request factory, not ASGI
            scope["query_string"] = scope["query_string"].encode("latin-1")
        if not any(name == b"host" for name, _ in scope["headers"]):
            scope["headers"] = [*scope["headers"], (b"host", scope["server"][0].encode())]
        await copy(scope, receive, send)
        if answers:
            return answers[0]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
        response = HttpResponse(messages[1]["body"], status=messages[0]["status"], headers=headers)
        response.asgi_request = ASGIRequest(scope, scope.get("_body_file"))
        return response

    return through
