"""CORS for the pages of `allowed_origins`: they can read the gate's refusals, and their preflights are answered.

Without this, a page of another origin sees a failed request instead of a 401, and cannot offer to sign in. Preflights
do not reach the application. The browser sends the request itself, with the user's cookies, only after the preflight.

Spec: Fetch §3.3 (CORS protocol), §4.9 (CORS-preflight fetch).
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..model import HeaderList, Reply
from .context import RequestContext
from .responses import bare

_READABLE = frozenset({401, 403, 503})
_EXPOSED = "HX-Redirect, Retry-After, WWW-Authenticate"
_METHOD = re.compile(r"[A-Za-z]{1,32}", re.ASCII)
_HEADERS = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}", re.ASCII)


def with_cors(context: RequestContext, reply: Reply) -> Reply:
    """Return a refusal with the headers that let a page of `allowed_origins` read it; any other reply unchanged.

    Pages of the gate stay unreadable: they can contain the token of a form, or the name of a user.
    """
    origin = _allowed_origin(context)
    is_page = reply.header("content-type").startswith("text/html")
    if not origin or reply.status not in _READABLE or is_page:
        return reply
    exposed = ("Access-Control-Expose-Headers", _EXPOSED)
    return replace(reply, headers=(*reply.headers, *_allow(origin), ("Vary", "Origin"), exposed))


def answer_preflight(context: RequestContext) -> Reply | None:
    """Return the answer to the preflight of a page of `allowed_origins`, or None if the request is not one.

    It allows the method and the headers that were asked for. The application still decides who may read its answers.
    """
    headers, origin = context.request.headers, _allowed_origin(context)
    method = headers.get("access-control-request-method")
    if context.request.method != "OPTIONS" or not origin or not _METHOD.fullmatch(method):
        return None
    allowed = [*_allow(origin), ("Access-Control-Allow-Methods", method)]
    names = headers.get("access-control-request-headers")
    if _HEADERS.fullmatch(names):
        allowed.append(("Access-Control-Allow-Headers", names))
    varies = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
    # A 204 must not have the Content-Length that every other bare answer has.
    return bare(200, (*allowed, varies)).because("preflight_answered")


def _allow(origin: str) -> HeaderList:
    return (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"))


def _allowed_origin(context: RequestContext) -> str:
    """Return the ``Origin`` of the request if `allowed_origins` lists it, or an empty string."""
    origins = context.request.headers.all("origin")
    is_allowed = len(origins) == 1 and origins[0] in context.components.settings.allowed_origins
    return origins[0] if is_allowed else ""
