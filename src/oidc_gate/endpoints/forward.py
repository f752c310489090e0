"""``/oauth2/forward``: for proxies that send the gate's answer to the client (Traefik, Caddy)."""

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
    """Answer like ``/oauth2/auth``, but redirect a navigation without a session to the sign-in page."""
    yield from ()
    reply = verdict(components, context)
    # These proxies send GET, whatever the method of the client was.
    audience = context.as_first_sent("x-forwarded-method").audience
    if reply.status != 401 or audience is not Audience.NAVIGATION:
        return reply
    return replace(redirect(context.url_of("sign_in") + _rd(context)), reason=reply.reason)


def _rd(context: RequestContext) -> str:
    """Return the query that leads the user back to the URL that was requested from the proxy."""
    headers = context.request.headers
    uri = headers.get("x-forwarded-uri")
    if not uri.startswith("/") or not context.components.trusted.trusts(context.request.peer):
        return ""
    scheme, host = headers.get("x-forwarded-proto") or context.site.scheme, headers.get("x-forwarded-host")
    return "?rd=" + quote(
        context.safe_target_or_default(f"{scheme}://{host}{uri}" if host else uri), safe="/"
    )
