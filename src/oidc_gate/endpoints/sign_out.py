"""``/oauth2/sign_out``: the session ends here and, where the provider offers it, there.

Anybody can make a browser send a request here, and its ``Set-Cookie`` would be obeyed. So it acts on what only
our own pages, or the person, can send; anything else gets a page with a button, and no cookie is touched.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from .. import effects, pages
from ..effects import Step
from ..errors import GateError
from ..model import Reply
from ..provider.discovery import Metadata
from ..provider.logout import build_logout_request
from ..request.navigation import Audience
from .context import Parts, Visit
from .responses import page, problem, redirect, with_cookies

FORM_TOKEN_SECONDS = 3600
MOST_BODY_BYTES = 16 * 1024
LOGOUT_STATE = "signed_out"


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer a sign-out that the person means; ask whether they do, else."""
    metadata = yield from _metadata(parts)
    meant = yield from _is_meant(parts, visit)
    if meant:
        return (yield from _sign_out(parts, visit, metadata))
    if visit.audience not in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        message = "Sign out by a POST from a page of this site, or open this address."
        return problem(403, "sign_out_not_meant", message).because("sign_out_not_meant")
    return (yield from _ask(parts, visit, metadata))


def _sign_out(parts: Parts, visit: Visit, metadata: Metadata | None) -> Step[Reply]:
    session, now = visit.session, (yield from effects.now())
    if session is not None:
        yield from parts.end_session(session)
    onward = None
    if metadata is not None:
        onward = build_logout_request(
            metadata,
            parts.settings,
            post_logout_redirect_uri=visit.url_of("signed_out"),
            state=parts.logout_states.sign(LOGOUT_STATE, now),
            id_token_hint=session.id_token if session else "",
        )
    answer = _leave(visit, onward or visit.link_to("signed_out")).because("signed_out")
    return with_cookies(answer, parts.sessions.clear(visit.cookie_header))


def _leave(visit: Visit, target: str) -> Reply:
    """Return the way on: a redirect; after a form a page, which `form-action` does not hold against the target."""
    if visit.audience is not Audience.FORM_POST or target.startswith("/"):
        return redirect(target, status=303)
    shown = pages.leaving_page(
        static_url=visit.path_to("static"),
        target=target,
        application_name=visit.parts.settings.application_name,
    )
    return page(200, shown)


def _is_meant(parts: Parts, visit: Visit) -> Step[bool]:
    """Tell whether our own page, or the person at the address bar, asks for it."""
    headers = visit.request.headers
    site = headers.get("sec-fetch-site")
    if visit.request.method != "POST":
        # A same-origin <img> says same-origin too: only a document counts.
        return visit.audience is Audience.NAVIGATION and site in ("same-origin", "none")
    if site == "same-origin" or headers.get("origin") in (visit.site.origin, visit.here):
        return True
    body = yield from effects.read_body(MOST_BODY_BYTES)
    fields = parse_qs(body.decode("latin-1")) if len(body) <= MOST_BODY_BYTES else {}
    now = yield from effects.now()
    token = fields.get("form_token", [""])[0]
    return parts.sign_out_tokens.is_signed(token, _whose(visit), now, max_age_seconds=FORM_TOKEN_SECONDS)


def _ask(parts: Parts, visit: Visit, metadata: Metadata | None) -> Step[Reply]:
    now = yield from effects.now()
    shown = pages.sign_out_page(
        static_url=visit.path_to("static"),
        action_url=visit.path_to("sign_out"),
        form_token=parts.sign_out_tokens.sign(_whose(visit), now),
        at_provider_too=bool(metadata and metadata.end_session_endpoint),
        application_name=parts.settings.application_name,
    )
    return page(200, shown).because("sign_out_asked")


def _whose(visit: Visit) -> str:
    """Return what a form token is good for: this session's sign-out, and no other's."""
    return visit.identity.session_id if visit.identity else "nobody"


def _metadata(parts: Parts) -> Step[Metadata | None]:
    """Return the provider's metadata, or None while it is down: then the session ends here alone."""
    try:
        return (yield from parts.provider.metadata())
    except GateError:
        return None
