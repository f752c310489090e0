"""Pages as front ends have them, behind the gate, a service worker, and an API."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from oidc_gate.asgi import OIDCGate
from tests.docs.blocks import REPOSITORY, blocks_of

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send

PASSES_ON = """\
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", event => event.respondWith(fetch(event.request)));
"""
# The files of the page that end in a way of their own: /sw.js is another one here.
FILES = {
    block.word: block.text
    for block in blocks_of(REPOSITORY / "docs/front-ends.md")
    if block.word in ("api.js", "live.js")
}
PAGE = "<!doctype html><html lang='en'><title>{0}</title><h1>{0}</h1></html>"


async def front_end(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a script, JSON below /api, and else a page with the path as its heading."""
    if scope["type"] == "websocket":
        return await _live(receive, send)
    if scope["type"] != "http":
        return
    path, query, origin = scope["path"], scope["query_string"].decode(), os.environ.get("PARTNER", "")
    extra = [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true")]
    if path == "/events":
        return await _events(receive, send)
    if path.removeprefix("/") in FILES:
        kind, text = "text/javascript", FILES[path.removeprefix("/")]
    elif path == "/sw.js":
        kind, text = "text/javascript", PASSES_ON
    elif path.startswith("/api"):
        kind, text = "application/json", json.dumps({"method": scope["method"], "query": query})
    else:
        kind, text = "text/html", PAGE.format(path)
    if path.startswith("/isolated"):
        extra.append(("cross-origin-embedder-policy", "require-corp"))
    body = text.encode()
    headers = [("content-type", kind), ("content-length", str(len(body))), *extra]
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 200, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _events(receive: Receive, send: Send) -> None:
    """Send one event, and stay open."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: event\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(receive: Receive, send: Send) -> None:
    """Send one message, and stay open."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "message"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


app = OIDCGate(front_end) if "OIDC_GATE_ISSUER" in os.environ else front_end
