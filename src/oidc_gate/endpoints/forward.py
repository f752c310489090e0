"""``/oauth2/forward``: for proxies that show the backend's answer to the visitor (Traefik, Caddy)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from ..effects import Step
from ..model import Reply
from ..request.navigation import Audience
from .auth import verdict
from .context import Components, RequestContext
from .responses import redirect


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer as ``/oauth2/auth`` does, but send a navigation without a session to the sign-in page."""
    yield from ()
    reply = verdict(components, context)
    # such proxies ask by GET, whatever the visitor sent
    audience = context.as_first_sent("x-forwarded-method").audience
    if reply.status != 401 or audience is not Audience.NAVIGATION:
        return reply
    return replace(redirect(context.url_of("sign_in") + _rd(context)), reason=reply.reason)


def _rd(context: RequestContext) -> str:
    """Return the query that brings the visitor back to what they asked the proxy for."""
    headers = context.request.headers
    uri = headers.get("x-forwarded-uri")
    if not uri.startswith("/") or not context.components.trusted.trusts(context.request.peer):
        return ""
    scheme, host = headers.get("x-forwarded-proto") or context.site.scheme, headers.get("x-forwarded-host")
    return "?rd=" + quote(
        context.safe_target_or_default(f"{scheme}://{host}{uri}" if host else uri), safe="/"
    )
