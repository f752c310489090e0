"""The kind of client that sends a request, which decides between a page and a plain 401."""

from __future__ import annotations

import re
from enum import Enum

from ..model import Headers, Request


class Audience(Enum):
    """The kinds of clients, by the answer that they can use."""

    NAVIGATION = "navigation"
    """A browser that opens a page."""
    FRAME = "frame"
    """A browser that loads a frame. It gets the page, never a redirect."""
    PREFETCH = "prefetch"
    """A browser that fetches a page in advance. It gets an empty 401."""
    HTMX = "htmx"
    """htmx, which follows ``HX-Redirect``."""
    FORM_POST = "form_post"
    """A browser that sent a form and will show the answer."""
    WEBSOCKET = "websocket"
    """A WebSocket handshake."""
    SCRIPT = "script"
    """All other clients: fetch, event streams, ``OPTIONS``, API clients."""


_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
# A service worker that passes a page load on (`fetch(event.request)`) sends "empty", and Chromium before 80 sent none.
_PAGES = frozenset({"document", "empty", ""})
# No script can set this header. Chromium before 80 sent "nested-navigate" for a frame.
_NAVIGATES = frozenset({"navigate", "nested-navigate"})
_ANDROID_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+", re.ASCII)
_FETCH_METADATA = ("sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site")
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
HANDSHAKE = frozenset({"upgrade", "sec-websocket-key", "sec-websocket-version", ":protocol"})
"""Headers in lower case, of which every WebSocket handshake has one; see `is_handshake`."""
_ZERO_WEIGHT = re.compile(r";[ \t]*q=0?(?:\.0*)?[ \t]*(?:;|$)", re.IGNORECASE)
_MAX_ACCEPT_LENGTH = 4096  # browsers send less than 200 characters


def audience_of(request: Request) -> Audience:
    """Return the kind of client. It never raises an exception, whatever bytes the headers contain.

    Spec: Fetch Metadata Request Headers §2; RFC 9110 §12.5.1; Upgrade Insecure Requests §3.2.1 (a header that browsers
    send with page loads only).
    """
    headers = request.headers
    if request.is_websocket:
        return Audience.WEBSOCKET
    if _is_prefetch(headers):
        return Audience.PREFETCH
    if headers.get("hx-request").strip().lower() == "true":
        return Audience.HTMX
    if "sec-fetch-mode" in headers:
        return _by_fetch_metadata(request.method, headers)
    return _by_accept(request.method, headers)


def is_handshake(headers: Headers) -> bool:
    """Return whether a request opens a WebSocket, or is a proxy's subrequest for such a request.

    ``Upgrade`` applies to one connection, so Nginx and Traefik do not send it to the gate. They pass
    ``Sec-WebSocket-*`` on, which browsers always send, and which no script can set.

    Spec: RFC 6455 §4.1; RFC 8441 §4 (``:protocol``).
    """
    if "sec-websocket-key" in headers or "sec-websocket-version" in headers:
        return True
    return any("websocket" in value.lower() for value in headers.all("upgrade") + headers.all(":protocol"))


def is_from_browser(headers: Headers) -> bool:
    """Return whether a browser sent the request. A page of an attacker cannot change the result.

    Every browser sends a ``User-Agent`` that begins with ``Mozilla/5.0``, and current browsers send Fetch Metadata for
    https pages.
    """
    return headers.get("user-agent").startswith("Mozilla/") or any(
        name in headers for name in _FETCH_METADATA
    )


def _by_fetch_metadata(method: str, headers: Headers) -> Audience:
    mode, dest = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    if mode not in _NAVIGATES:
        return Audience.SCRIPT
    is_frame = dest in _FRAMES or mode == "nested-navigate"
    if not is_frame and dest not in _PAGES:
        return Audience.SCRIPT
    if method == "POST":
        return Audience.FORM_POST
    if method not in ("GET", "HEAD"):
        return Audience.SCRIPT
    return Audience.FRAME if is_frame else Audience.NAVIGATION


def _by_accept(method: str, headers: Headers) -> Audience:
    """Return the audience of a client that sends no ``Sec-Fetch-Mode``.

    These are old browsers, all browsers where the page is plain http, and those whose metadata was removed on the way.
    """
    dest = headers.get("sec-fetch-dest")
    if is_marked_by_script(headers) or (dest and dest != "document" and dest not in _FRAMES):
        return Audience.SCRIPT
    if not _takes_html(headers) and headers.get("upgrade-insecure-requests") != "1":
        return Audience.SCRIPT
    if method in ("GET", "HEAD"):
        return Audience.FRAME if dest in _FRAMES else Audience.NAVIGATION
    content_type = headers.get("content-type").partition(";")[0].strip().lower()
    return Audience.FORM_POST if method == "POST" and content_type in _FORM_TYPES else Audience.SCRIPT


def is_marked_by_script(headers: Headers) -> bool:
    """Return whether ``X-Requested-With`` says that a script sent the request.

    Scripts send ``XMLHttpRequest`` and the like. An Android WebView sends the name of its application, such as
    ``com.example.app``, with every page that it loads.
    """
    values = headers.all("x-requested-with")
    return any(not _ANDROID_PACKAGE.fullmatch(value) for value in values)


def _takes_html(headers: Headers) -> bool:
    """Return whether ``Accept`` names HTML with a weight. ``*/*``, which curl and libraries send, does not."""
    accept = ",".join(headers.all("accept"))[:_MAX_ACCEPT_LENGTH]
    for item in accept.split(","):
        name, semicolon, parameters = item.partition(";")
        if name.strip().lower() in _HTML and not _ZERO_WEIGHT.search(semicolon + parameters):
            return True
    return False


def _is_prefetch(headers: Headers) -> bool:
    for name in ("sec-purpose", "purpose", "x-moz"):
        if name in headers:
            tokens = re.split("[;,]", headers.get(name).lower(), maxsplit=8)
            if any(token.strip() == "prefetch" for token in tokens):
                return True
    return False
