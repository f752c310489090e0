"""Serves the files that docs/front-ends.md contains, and pages that use them: `tests.real.front_end_files:app`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.docs.blocks import REPOSITORY, blocks_of

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send

FILES = {
    block.word: block.text for block in blocks_of(REPOSITORY / "docs/front-ends.md") if block.mark == "file"
}
PARTNER = "https://partner.example.com"
# What htmx 1 and 2 do with an answer, as far as a sign-in is concerned: `handleAjaxResponse`.
HTMX = """\
addEventListener("click", event => {
  const url = event.target.getAttribute("hx-get");
  if (!url) return;
  const request = new XMLHttpRequest();
  request.open("GET", url);
  request.setRequestHeader("HX-Request", "true");
  request.setRequestHeader("HX-Current-URL", location.href);
  request.onload = () => {
    const target = request.getResponseHeader("HX-Redirect");
    if (target) location.href = target;
    else if (request.status < 400) event.target.textContent = request.responseText;
  };
  request.send();
});
"""
PAGE = """<!doctype html><html lang="en"><title>{path}</title>{head}<h1>{path}</h1>
<script src="/htmx.js"></script><script src="/static/count.js"></script>
<button hx-get="/api/part">part</button><a href="/oauth2/sign_out">Sign out</a></html>"""
TYPES = {"js": "text/javascript", "webmanifest": "application/manifest+json"}


def body_of(path: str) -> tuple[str, str]:
    """Return the type and the text that is at `path`."""
    name = path.rpartition("/")[2]
    kind = TYPES.get(name.rpartition(".")[2], "")
    if name in FILES:
        return kind, FILES[name]
    if path == "/htmx.js":
        return kind, HTMX
    if path == "/static/count.js":
        return kind, "window.isCounted = true;"
    if name.endswith(".webmanifest"):
        return kind, json.dumps({"name": "An application", "start_url": "/"})
    if path.startswith("/api/"):
        return "application/json", json.dumps({"path": path})
    head = FILES["manifest.html"] if path == "/pwa" else ""
    head += '<link rel="manifest" href="/app.webmanifest">' if path == "/pwa-without" else ""
    head += '<script src="/session.js"></script>' if path == "/library" else ""
    return "text/html", PAGE.format(path=path, head=head)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer requests, and refuse WebSockets, which the tests only open without a session."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/own-401":
        status, kind, text = 401, "application/json", "{}"
    else:
        status, (kind, text) = 200, body_of(scope["path"])
    headers = [
        ("content-type", kind),
        ("access-control-allow-origin", PARTNER),
        ("access-control-allow-credentials", "true"),
    ]
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": text.encode()})
