"""``/oauth2/sign_out``: ends the session here and, if the provider supports it, at the provider.

Any site can make a browser send a request to this endpoint, and the browser would obey its ``Set-Cookie``. Therefore
the session ends only on requests that pages of this site, or the user, can send. Any other request gets a page with a
button, and no cookie is changed.

Afterwards the user goes to the target in ``rd``, to `after_sign_out_url`, or to a page that says that it is done.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from .. import effects, pages
from ..effects import Step
from ..errors import GateError, SessionError
from ..model import Reply, Session
from ..provider.discovery import Metadata
from ..provider.logout import build_logout_request
from ..request.navigation import Audience
from ..request.return_to import raw_rd, safe_target, unpacked_rd
from ..session.sessions import LoadedSession
from ..syntax.forms import values_of
from . import logout_state
from .context import Components, RequestContext
from .logout_state import SignedOut
from .responses import CLEAR_CACHE, page, problem, redirect, with_cookies

FORM_TOKEN_SECONDS = 3600
MAX_BODY_BYTES = 16 * 1024


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
    session = context.session
    target = _requested_target(context) or _configured_target(context)
    if context.loaded is not None:
        yield from _end(components, context, context.loaded, metadata)
    at_provider = metadata is not None and bool(metadata.end_session_endpoint)
    state = yield from logout_state.issue(components, SignedOut(target, at_provider))
    url = context.link_to("signed_out", state=state)
    if metadata is not None and at_provider:
        url = build_logout_request(
            metadata,
            components.settings,
            post_logout_redirect_uri=context.url_of("signed_out"),
            state=state,
            id_token_hint=session.id_token if session else "",
        )
    answer = _leave(context, url, is_at_provider=at_provider)
    answer = replace(answer, headers=(*answer.headers, CLEAR_CACHE)).because("signed_out")
    return with_cookies(answer, components.sessions.clear(context.cookie_header))


def _end(
    components: Components, context: RequestContext, loaded: LoadedSession, metadata: Metadata | None
) -> Step[None]:
    """End the session, and then revoke its tokens in the background."""
    if metadata is None or not metadata.revocation_endpoint or not components.settings.revoke_tokens:
        return (yield from components.end_session(loaded))
    session = loaded.session
    if components.stored_sessions is not None:
        session = yield from _as_stored(components, context, session)
    yield from components.end_session(loaded)
    yield from components.token_revocations.begin(session)


def _as_stored(components: Components, context: RequestContext, session: Session) -> Step[Session]:
    """Return `session` as it is in the store, because another process may have refreshed its tokens in the meantime."""
    try:
        found = yield from components.sessions.read(context.cookie_header)
    except SessionError:
        return session
    is_same = found.session.identity.session_id == session.identity.session_id
    return found.session if is_same else session


def _requested_target(context: RequestContext) -> str | None:
    """Return the target that the link or form asks for, if the user may be sent there."""
    query = context.request.query
    target = unpacked_rd(query) or raw_rd(query) or ""
    return safe_target(context.absolute(target), context.site, context.components.settings)


def _configured_target(context: RequestContext) -> str:
    """Return `after_sign_out_url`, whose paths are those of the gate's own host; empty if it is not set."""
    url = context.components.settings.after_sign_out_url or ""
    on_other_host = url.startswith("/") and context.browser_origin != context.site.origin
    return context.site.origin + url if on_other_host else url


def _leave(context: RequestContext, url: str, *, is_at_provider: bool) -> Reply:
    """Return the answer that leads to `url`: a page that continues by itself, or a redirect for scripts.

    A redirect would not be enough for browsers. The browser puts the user's page into its cache for "Back" only when it
    shows another page, and ``Clear-Site-Data`` can remove it only after that. In addition, the `form-action` of the
    user's page would apply to a redirect after a form.
    """
    if context.audience not in (Audience.NAVIGATION, Audience.FORM_POST):
        return redirect(url, status=303)
    content = pages.leaving_page(
        static_url=context.path_to("static"),
        target=url,
        is_at_provider=is_at_provider,
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
        action_url=_form_url(context),
        form_token=components.sign_out_tokens.sign(_token_subject(context), now),
        back_url=context.safe_target_or_default(context.request.headers.get("referer")),
        at_provider_too=bool(metadata and metadata.end_session_endpoint),
        application_name=components.settings.application_name,
    )
    return page(200, content).because("sign_out_asked")


def _form_url(context: RequestContext) -> str:
    """Return the URL to which the button sends its form, with the requested target."""
    target = _requested_target(context) or ""
    keeps = 0 < len(target) <= logout_state.MAX_TARGET_LENGTH
    return context.path_to("sign_out") + (f"?rd={quote(target)}" if keeps else "")


def _token_subject(context: RequestContext) -> str:
    """Return the text for which a form token is valid: the sign-out of this session only."""
    return context.identity.session_id if context.identity else "nobody"


def _metadata(components: Components) -> Step[Metadata | None]:
    """Return the provider's metadata, or None while the provider is down. The session then ends only here."""
    try:
        return (yield from components.provider.metadata())
    except GateError:
        return None
