"""``/oauth2/forward``: for proxies that show the backend's answer to the visitor (Traefik, Caddy)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from ..effects import Step
from ..model import Reply
from ..request.navigation import Audience
from .auth import judge
from .context import Parts, Visit
from .responses import redirect


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer as ``/oauth2/auth`` does, but send a navigation without a session to the sign-in page."""
    yield from ()
    verdict = judge(parts, visit)
    # such proxies ask by GET, whatever the visitor sent
    audience = visit.as_first_sent("x-forwarded-method").audience
    if verdict.status != 401 or audience is not Audience.NAVIGATION:
        return verdict
    return replace(redirect(visit.url_of("sign_in") + _rd(visit)), reason=verdict.reason)


def _rd(visit: Visit) -> str:
    """Return the query that brings the visitor back to what they asked the proxy for."""
    headers = visit.request.headers
    uri = headers.get("x-forwarded-uri")
    if not uri.startswith("/") or not visit.parts.trusted.trusts(visit.request.peer):
        return ""
    scheme, host = headers.get("x-forwarded-proto") or visit.site.scheme, headers.get("x-forwarded-host")
    return "?rd=" + quote(visit.judged(f"{scheme}://{host}{uri}" if host else uri), safe="/")
