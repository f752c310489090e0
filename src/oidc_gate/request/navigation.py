"""Who is asking, a person in front of a page or a program: it decides between a page and a plain 401."""

from __future__ import annotations

import re
from enum import Enum

from ..model import Headers, Request


class Audience(Enum):
    """What kind of answer a request can use."""

    NAVIGATION = "navigation"
    """A browser that opens a page."""
    FRAME = "frame"
    """A browser that fills a frame: gets the page, never a redirect."""
    PREFETCH = "prefetch"
    """A browser that guesses ahead: gets a bare 401."""
    HTMX = "htmx"
    """A script that follows ``HX-Redirect``."""
    FORM_POST = "form_post"
    """A browser that sent a form and will show the answer."""
    WEBSOCKET = "websocket"
    """A WebSocket handshake."""
    SCRIPT = "script"
    """Everything else: fetch, event streams, ``OPTIONS``, API clients."""


_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
_FETCH_METADATA = ("sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site")
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
HANDSHAKE = frozenset({"upgrade", "sec-websocket-key", "sec-websocket-version", ":protocol"})
"""The headers of which every WebSocket handshake has one, in lower case; see `is_handshake`."""
_ZERO_WEIGHT = re.compile(r";[ \t]*q=0?(?:\.0*)?[ \t]*(?:;|$)", re.IGNORECASE)
_MAX_ACCEPT_LENGTH = 4096


def audience_of(request: Request) -> Audience:
    """Return who is asking. Never raises, whatever bytes the headers hold.

    Spec: Fetch Metadata Request Headers §2; RFC 9110 §12.5.1.
    """
    headers = request.headers
    if request.is_websocket:
        return Audience.WEBSOCKET
    if _is_prefetch(headers):
        return Audience.PREFETCH
    if headers.get("hx-request").strip().lower() == "true":
        return Audience.HTMX
    if any(name in headers for name in _FETCH_METADATA):
        return _by_fetch_metadata(request.method, headers)
    return _by_accept(request.method, headers)


def is_handshake(headers: Headers) -> bool:
    """Tell whether a request opens a WebSocket, or is a proxy's question about one that does.

    ``Upgrade`` is for one connection, so that Nginx and Traefik leave it out of their question. They hand
    ``Sec-WebSocket-*`` on, which browsers always send, and which no script can set.

    Spec: RFC 6455 §4.1; RFC 8441 §4 (``:protocol``).
    """
    if "sec-websocket-key" in headers or "sec-websocket-version" in headers:
        return True
    return any("websocket" in value.lower() for value in headers.all("upgrade") + headers.all(":protocol"))


def is_from_browser(headers: Headers) -> bool:
    """Tell whether a browser sent the request: one that no page, and no attacker with a page, can send otherwise.

    Every browser calls itself ``Mozilla/5.0``, and those of today send Fetch Metadata where a page is https.
    """
    return headers.get("user-agent").startswith("Mozilla/") or any(
        name in headers for name in _FETCH_METADATA
    )


def _by_fetch_metadata(method: str, headers: Headers) -> Audience:
    if headers.get("sec-fetch-mode") != "navigate":
        return Audience.SCRIPT
    dest = headers.get("sec-fetch-dest")
    if method == "POST" and (dest == "document" or dest in _FRAMES):
        return Audience.FORM_POST
    if method not in ("GET", "HEAD"):
        return Audience.SCRIPT
    if dest == "document":
        return Audience.NAVIGATION
    return Audience.FRAME if dest in _FRAMES else Audience.SCRIPT


def _by_accept(method: str, headers: Headers) -> Audience:
    """Judge browsers that send no Fetch Metadata: old ones, and all of them where the page is plain http."""
    if "x-requested-with" in headers or not _takes_html(headers):
        return Audience.SCRIPT
    if method in ("GET", "HEAD"):
        return Audience.NAVIGATION
    content_type = headers.get("content-type").partition(";")[0].strip().lower()
    return Audience.FORM_POST if method == "POST" and content_type in _FORM_TYPES else Audience.SCRIPT


def _takes_html(headers: Headers) -> bool:
    """Tell whether ``Accept`` names HTML with a weight; ``*/*``, which curl and libraries send, does not."""
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
