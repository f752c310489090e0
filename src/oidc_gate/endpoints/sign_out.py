"""``/oauth2/sign_out``: ends the session here and, if the provider supports it, at the provider.

Any site can make a browser send a request to this endpoint, and the browser would obey its ``Set-Cookie``. Therefore
the session ends only on requests that pages of this site, or the user, can send. Any other request gets a page with a
button, and no cookie is changed.
"""

from __future__ import annotations

from .. import effects, pages
from ..effects import Step
from ..errors import GateError
from ..model import Reply
from ..provider.discovery import Metadata
from ..provider.logout import build_logout_request
from ..request.navigation import Audience
from ..syntax.forms import values_of
from .context import Components, RequestContext
from .responses import page, problem, redirect, with_cookies

FORM_TOKEN_SECONDS = 3600
MAX_BODY_BYTES = 16 * 1024
LOGOUT_STATE = "signed_out"
AFTER_FORM = "after_form"
"""Query parameter of an application that answers a form of its own with a redirect to this endpoint."""


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """End the session if the user intends it, and ask otherwise."""
    metadata = yield from _metadata(components)
    intended = yield from _is_intended(components, context)
    if intended:
        return (yield from _sign_out(components, context, metadata))
    if context.audience not in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        message = "Sign out with a POST from a page of this site, or open this address."
        return problem(403, "sign_out_not_meant", message).because("sign_out_not_meant")
    return (yield from _ask(components, context, metadata))


def _sign_out(components: Components, context: RequestContext, metadata: Metadata | None) -> Step[Reply]:
    session, now = context.session, (yield from effects.now())
    if context.loaded is not None:
        yield from components.end_session(context.loaded)
    logout_url = None
    if metadata is not None:
        logout_url = build_logout_request(
            metadata,
            components.settings,
            post_logout_redirect_uri=context.url_of("signed_out"),
            state=components.logout_states.sign(LOGOUT_STATE, now),
            id_token_hint=session.id_token if session else "",
        )
    answer = _leave(context, logout_url or context.link_to("signed_out")).because("signed_out")
    return with_cookies(answer, components.sessions.clear(context.cookie_header))


def _leave(context: RequestContext, target: str) -> Reply:
    """Return the redirect to `target`, or after a form a page, because `form-action` would apply to a redirect."""
    is_after_form = context.audience is Audience.FORM_POST or values_of(context.request.query, AFTER_FORM)
    if not is_after_form or target.startswith("/"):
        return redirect(target, status=303)
    content = pages.leaving_page(
        static_url=context.path_to("static"),
        target=target,
        application_name=context.components.settings.application_name,
    )
    return page(200, content)


def _is_intended(components: Components, context: RequestContext) -> Step[bool]:
    """Return whether a page of this site, or the user at the address bar, asks for the sign-out."""
    headers = context.request.headers
    site = headers.get("sec-fetch-site")
    if context.request.method != "POST":
        # A same-origin <img> sends same-origin too, so only a document counts. A page load that a service worker passes
        # on ("empty") may send it as well, wherever the link was.
        is_document = headers.get("sec-fetch-dest") == "document"
        return context.audience is Audience.NAVIGATION and is_document and site in ("same-origin", "none")
    if site == "same-origin" or headers.get("origin") in (context.site.origin, context.browser_origin):
        return True
    body = yield from effects.read_body(MAX_BODY_BYTES)
    tokens = values_of(body.decode("latin-1"), "form_token") if len(body) <= MAX_BODY_BYTES else []
    now = yield from effects.now()
    token = tokens[0] if tokens else ""
    return components.sign_out_tokens.is_signed(
        token, _token_subject(context), now, max_age_seconds=FORM_TOKEN_SECONDS
    )


def _ask(components: Components, context: RequestContext, metadata: Metadata | None) -> Step[Reply]:
    now = yield from effects.now()
    content = pages.sign_out_page(
        static_url=context.path_to("static"),
        action_url=context.path_to("sign_out"),
        form_token=components.sign_out_tokens.sign(_token_subject(context), now),
        back_url=context.safe_target_or_default(context.request.headers.get("referer")),
        at_provider_too=bool(metadata and metadata.end_session_endpoint),
        application_name=components.settings.application_name,
    )
    return page(200, content).because("sign_out_asked")


def _token_subject(context: RequestContext) -> str:
    """Return what a form token is valid for: the sign-out of this session only."""
    return context.identity.session_id if context.identity else "nobody"


def _metadata(components: Components) -> Step[Metadata | None]:
    """Return the provider's metadata, or None while the provider is down. The session then ends only here."""
    try:
        return (yield from components.provider.metadata())
    except GateError:
        return None
