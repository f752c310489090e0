"""Pages that a browser may keep, behind the gate; and the same without the header that makes it forget them."""

from __future__ import annotations

from typing import Any

from oidc_gate.asgi import OIDCGate

PAGE = '<!doctype html><title>Private</title><p>Hello, {}.</p><a href="/oauth2/sign_out">Sign out</a>'


async def _app(scope: Any, receive: Any, send: Any) -> None:
    body = PAGE.format(scope["oidc_gate.identity"].email).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"private, max-age=3600")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


gated = OIDCGate(_app)


async def remembered(scope: Any, receive: Any, send: Any) -> None:
    """The gate as it would be without Clear-Site-Data."""

    async def without(message: Any) -> None:
        if "headers" in message:
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"clear-site-data"]
            message = {**message, "headers": kept}
        await send(message)

    await gated(scope, receive, without)
