"""``/oauth2/forward``: for proxies that send the gate's answer to the client (Traefik, Caddy)."""

from __future__ import annotations

from dataclasses import replace

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
    return replace(redirect(_sign_in_url(context)), reason=reply.reason)


def _sign_in_url(context: RequestContext) -> str:
    """Return the sign-in page that leads the user back to the URL that was requested from the proxy.

    The path is used from any peer, as every target is: a client that invents one only redirects itself.
    """
    uri = context.request.headers.get("x-forwarded-uri")
    query = {"rd": context.safe_target_or_default(uri)} if uri.startswith("/") else {}
    return context.url_of("sign_in", **query)
