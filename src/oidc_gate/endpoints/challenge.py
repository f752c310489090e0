"""What somebody is told who has to sign in, or who may not enter: a page to a person, a problem to a program."""

from __future__ import annotations

from .. import pages
from ..model import Identity, Reply
from ..request.navigation import Audience
from .context import RequestContext
from .responses import bare, page, problem, redirect

SIGN_IN_FIRST = "Sign in to continue."


def challenge(context: RequestContext, *, redirects: bool) -> Reply:
    """Return the 401 (or the way on) for a request without a session.

    Args:
        redirects: `auto_sign_in` may answer with a redirect; not under an ``error_page`` of Nginx, where no
            browser follows it.
    """
    settings = context.components.settings
    match context.audience:
        case Audience.NAVIGATION if redirects and settings.auto_sign_in:
            return redirect(context.link_to("start", rd=context.own_target))
        case Audience.NAVIGATION | Audience.FRAME:
            return sign_in_page(context, context.own_target)
        case Audience.FORM_POST:
            return posted_page(context, context.referring_page)
        case Audience.PREFETCH:
            return bare(401)
        case Audience.HTMX:
            return bare(401, (("HX-Redirect", context.link_to("start", rd=_htmx_page(context))),))
        case _:
            return challenge_program(context, context.referring_page)


def challenge_program(context: RequestContext, target: str) -> Reply:
    """Return the 401 for a program: ``sign_in`` says where a person would go."""
    start = context.url_of("start") + context.link_to("start", rd=target).removeprefix(
        context.link_to("start")
    )
    return problem(401, context.reason.code, SIGN_IN_FIRST, sign_in=start)


def sign_in_page(context: RequestContext, target: str) -> Reply:
    """Return the sign-in page; with `auto_sign_in` it goes on by itself, under every status."""
    settings = context.components.settings
    is_automatic = settings.auto_sign_in and context.audience is not Audience.FRAME
    content = pages.sign_in_page(
        static_url=context.path_to("static"),
        start_url=context.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        refresh_seconds=0 if is_automatic else None,
    )
    return page(401, content)


def posted_page(context: RequestContext, target: str) -> Reply:
    """Return the page that says that a form was not received."""
    content = pages.posted_page(
        static_url=context.path_to("static"),
        start_url=context.link_to("start", rd=target),
        application_name=context.components.settings.application_name,
    )
    return page(401, content)


def deny(context: RequestContext, identity: Identity, target: str) -> Reply:
    """Return the 403 for somebody who is signed in and may not enter. Never a redirect, so never a loop."""
    if context.audience not in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        return access_denied(403)
    return denied_page(context, identity, target)


def access_denied(status: int) -> Reply:
    """Return the problem for a program of a user whom the rules refuse; to sign in again would not help it."""
    return problem(status, "access_denied", "You are signed in, but may not enter.")


def denied_page(context: RequestContext, identity: Identity, target: str, status: int = 403) -> Reply:
    """Return the page for somebody refused: who they are, and a way to sign in as somebody else.

    Args:
        status: 401 at ``/oauth2/sign_in``, whose answer Nginx sends under a status of its own.
    """
    content = pages.denied_page(
        static_url=context.path_to("static"),
        identity_label=identity.label,
        switch_url=context.link_to("start", prompt="select_account", rd=target),
        sign_out_url=context.link_to("sign_out"),
        request_id=context.request.request_id,
        application_name=context.components.settings.application_name,
    )
    return page(status, content)


def _htmx_page(context: RequestContext) -> str:
    """Return the page that htmx runs in, if it is one of ours."""
    current = context.request.headers.get("hx-current-url")
    return (
        context.safe_target_or_default(current)
        if current.startswith(context.browser_origin + "/")
        else context.referring_page
    )
