"""Applications that tell which headers reached them: behind a gate, and, below /raw, behind none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oidc_gate import asgi as gate_asgi
from oidc_gate import wsgi as gate_wsgi
from oidc_gate.settings import Settings

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send

# Nobody listens there: nothing is asked of a provider.
STRIPS = Settings(
    issuer="http://127.0.0.1:9",
    client_id="app",
    client_secret="a secret of the client",
    cookie_secret=("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
    public_url="https://app.example",
    public_paths=("/strips/open", "/sets/open"),
)
SETS = replace(STRIPS, identity_headers=True)


def _echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    pairs = [
        (name.removeprefix("HTTP_"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("REMOTE_USER", "AUTH_TYPE")
    ]
    body = json.dumps(pairs).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


async def _aecho(scope: Scope, receive: Receive, send: Send) -> None:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    body = json.dumps(pairs).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


WSGI_APPS: dict[str, Any] = {
    "raw": _echo,
    "strips": gate_wsgi.OIDCGate(_echo, STRIPS),
    "sets": gate_wsgi.OIDCGate(_echo, SETS),
}
ASGI_APPS: dict[str, Any] = {
    "raw": _aecho,
    "strips": gate_asgi.OIDCGate(_aecho, STRIPS),
    "sets": gate_asgi.OIDCGate(_aecho, SETS),
}


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    name = environ["PATH_INFO"].split("/")[1]
    answer: Iterable[bytes] = WSGI_APPS.get(name, _echo)(environ, start_response)
    return answer


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await ASGI_APPS.get(scope["path"].split("/")[1], _aecho)(scope, receive, send)
