"""Functions that build replies. No cache may store an answer of the gate, except its CSS, script and icon."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..model import HeaderList, Reply

if TYPE_CHECKING:
    from ..pages import Page

NO_STORE = ("Cache-Control", "no-store")
CLEAR_CACHE = ("Clear-Site-Data", '"cache"')
"""Makes the browser remove the user's pages from its caches, so that "Back" does not show them. It never contains
``"cookies"`` or ``"storage"``, which belong to every application on the host.

Spec: Clear Site Data §3.1.
"""
# RFC 9110 §15.5.2 requires a challenge with every 401. No browser opens a dialog for this one.
CHALLENGE = ("WWW-Authenticate", "Bearer")

# Created once: `json.dumps` creates an encoder for each call, and any client can request any number of 401s.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


def reply(status: int, headers: HeaderList = (), body: bytes = b"", *, drains: bool = False) -> Reply:
    """Return a reply with ``Content-Length`` and, for a 401, the challenge."""
    length = ("Content-Length", str(len(body)))
    return Reply(status, ((CHALLENGE,) if status == 401 else ()) + headers + (length,), body, drains)


def bare(status: int, headers: HeaderList = ()) -> Reply:
    """Return a reply with an empty body and ``Content-Length: 0``, without which Nginx reconnects each time."""
    return reply(status, (NO_STORE, *headers))


def page(status: int, content: Page, headers: HeaderList = (), *, framed: bool = False) -> Reply:
    """Return a page. Its own headers say that it must not be stored.

    Args:
        framed: Whether pages of the same origin may show it in a frame.
    """
    content = content.for_own_frames() if framed else content
    return reply(status, content.headers + headers, content.body)


def redirect(target: str, headers: HeaderList = (), status: int = 302) -> Reply:
    """Return a redirect to a validated target, or to the provider."""
    return reply(status, (("Location", target), NO_STORE, ("Referrer-Policy", "no-referrer"), *headers))


def as_json(
    status: int, content: dict[str, Any], headers: HeaderList = (), media_type: str = "application/json"
) -> Reply:
    """Return `content` as JSON in UTF-8."""
    body = _to_json(content).encode("utf-8", "replace")
    typed = (("Content-Type", media_type), NO_STORE, ("X-Content-Type-Options", "nosniff"))
    return reply(status, typed + headers, body)


def problem(status: int, code: str, detail: str, headers: HeaderList = (), **members: str) -> Reply:
    """Return the answer for a script: a problem of RFC 9457 with the stable `code`."""
    content = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "code": code,
        "detail": detail,
    }
    return as_json(status, content | members, headers, "application/problem+json")


def text(status: int, words: str, headers: HeaderList = ()) -> Reply:
    """Return a reply with a line of plain text."""
    plain = (("Content-Type", "text/plain; charset=utf-8"), NO_STORE, ("X-Content-Type-Options", "nosniff"))
    return reply(status, plain + headers, words.encode() + b"\n")


def with_cookies(answer: Reply, cookies: tuple[str, ...]) -> Reply:
    """Return `answer` with ``Set-Cookie`` headers added."""
    added = tuple(("Set-Cookie", cookie) for cookie in cookies)
    return replace(answer, headers=answer.headers + added)


def without_challenge(answer: Reply) -> Reply:
    """Return `answer` without the challenge of a 401, for a proxy that adds one itself."""
    return replace(answer, headers=tuple(header for header in answer.headers if header != CHALLENGE))


_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
