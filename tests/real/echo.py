"""An application that tells what reached it: JSON, a page below /reports, the same over a WebSocket."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await _answer_socket(scope, receive, send)
    elif scope["path"].startswith("/reports"):
        await _answer(send, _page(scope), b"text/html; charset=utf-8")
    else:
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        extra = [(b"cache-control", b"public, max-age=60")] if scope["path"].startswith("/cached") else []
        status = 404 if scope["path"] == "/missing" else 200
        await _answer(send, json.dumps(_seen(scope) | {"body": size}), b"application/json", extra, status)


def _seen(scope: Scope) -> dict[str, Any]:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    target = scope["raw_path"].decode() + (
        "?" + scope["query_string"].decode() if scope["query_string"] else ""
    )
    return {"method": scope.get("method", "GET"), "target": target, "headers": headers}


def _page(scope: Scope) -> str:
    identity = scope.get("oidc_gate.identity")
    headers = dict(scope["headers"])
    who = identity.email if identity else headers.get(b"x-forwarded-email", b"nobody").decode()
    target = _seen(scope)["target"]
    return (
        f"<!doctype html><html lang='en'><title>Reports</title><h1>Reports</h1><p>Hello, {escape(who)}.</p>"
        f"<p>You asked for <code>{escape(target)}</code>.</p><a href='/oauth2/sign_out'>Sign out</a>"
        "<p style='margin-top:200vh' id='top'>The part that was asked for.</p></html>"
    )


async def _answer(
    send: Send, text: str, kind: bytes, extra: list[tuple[bytes, bytes]] | None = None, status: int = 200
) -> None:
    body = text.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(_seen(scope))})
    await send({"type": "websocket.close"})
