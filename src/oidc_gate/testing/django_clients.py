"""Lead Django's test clients through the gate: they call Django itself, and so walk around what wraps it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import asgi, wsgi
from .gate_session import Gate, Ticket, dressed
from .gates import is_django_inside


@contextmanager
def through_the_gate(gate: Gate, ticket: Ticket) -> Iterator[None]:
    """Within the ``with``, let ``Client`` and ``AsyncClient`` ask through `gate`, if Django is what it wraps."""
    if not is_django_inside(gate):
        yield
        return
    from django.test.client import AsyncClientHandler, ClientHandler

    sync_call, async_call = ClientHandler.__call__, AsyncClientHandler.__call__
    try:
        ClientHandler.__call__ = _sync(sync_call, gate, ticket)
        AsyncClientHandler.__call__ = _async(async_call, gate, ticket)
        yield
    finally:
        ClientHandler.__call__, AsyncClientHandler.__call__ = sync_call, async_call


def _twin(kind: type[Gate], gate: Gate, ticket: Ticket, application: Any) -> Any:
    """Return a gate like `gate`, of whichever kind, in front of `application`."""
    twin = dressed(kind, ticket)(application, gate._engine.gate.settings, world=gate._engine.world)
    twin._engine.warmed_in = os.getpid()  # no discovery: there is no provider
    return twin


def _sync(call: Any, gate: Gate, ticket: Ticket) -> Any:
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse

    def through(handler: Any, environ: dict[str, Any]) -> Any:
        answers: list[Any] = []
        said: list[Any] = []

        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            answers.append(call(handler, environ))
            return []

        twin = _twin(wsgi.OIDCGate, gate, ticket, application)
        if not environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = environ["SERVER_NAME"]
        body = b"".join(twin(environ, lambda *start: said.append(start)))
        if answers:
            return answers[0]
        status, headers = said[0]
        response = HttpResponse(body, status=int(status[:3]), headers=dict(headers))
        response.wsgi_request = WSGIRequest(environ)
        return response

    return through


def _async(call: Any, gate: Gate, ticket: Ticket) -> Any:
    from django.core.handlers.asgi import ASGIRequest
    from django.http import HttpResponse

    async def through(handler: Any, scope: dict[str, Any]) -> Any:
        answers: list[Any] = []
        said: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            answers.append(await call(handler, scope))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        twin = _twin(asgi.OIDCGate, gate, ticket, application)
        if isinstance(scope.get("query_string"), str):  # Django's factory, not ASGI
            scope["query_string"] = scope["query_string"].encode("latin-1")
        if not any(name == b"host" for name, _ in scope["headers"]):
            scope["headers"] = [*scope["headers"], (b"host", scope["server"][0].encode())]
        await twin(scope, receive, send)
        if answers:
            return answers[0]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in said[0]["headers"]}
        response = HttpResponse(said[1]["body"], status=said[0]["status"], headers=headers)
        response.asgi_request = ASGIRequest(scope, scope.get("_body_file"))
        return response

    return through
