"""The answers for users who have to sign in, and for users who may not enter: pages, or problems for scripts."""

from __future__ import annotations

from .. import pages
from ..model import Identity, Reply
from ..request.navigation import Audience
from .context import RequestContext
from .refusals import explained_in
from .responses import bare, page, problem, redirect

SIGN_IN_FIRST = "Sign in to continue."


def challenge(context: RequestContext, target: str, *, redirects: bool) -> Reply:
    """Return the 401, or the redirect to the sign-in, for a request without a session.

    Args:
        target: Where the sign-in leads to; see `RequestContext.target_after_sign_in`.
        redirects: Whether `auto_sign_in` may answer with a redirect. It may not under an ``error_page`` of Nginx,
            because a browser does not follow a redirect there.
    """
    settings = context.components.settings
    match context.audience:
        case Audience.NAVIGATION if redirects and settings.auto_sign_in:
            return redirect(context.link_to("start", rd=target))
        case Audience.NAVIGATION | Audience.FRAME:
            return sign_in_page(context, target)
        case Audience.FORM_POST:
            return posted_page(context, target)
        case Audience.PREFETCH:
            return bare(401)
        case Audience.HTMX:
            return bare(401, (("HX-Redirect", context.link_to("start", rd=target)),))
        case _:
            return challenge_program(context, target)


def challenge_program(context: RequestContext, target: str) -> Reply:
    """Return the 401 for a script. Its member ``sign_in`` is the URL at which a user can sign in."""
    start = context.url_of("start", rd=target)
    return problem(401, context.reason.code, SIGN_IN_FIRST, sign_in=start)


def sign_in_page(context: RequestContext, target: str) -> Reply:
    """Return the sign-in page. With `auto_sign_in` it continues by itself, whatever its status."""
    settings = context.components.settings
    is_automatic = settings.auto_sign_in and context.audience is not Audience.FRAME
    content = pages.sign_in_page(
        static_url=context.path_to("static"),
        start_url=context.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        refresh_seconds=0 if is_automatic else None,
    )
    return page(401, content, framed=context.may_be_framed)


def posted_page(context: RequestContext, target: str) -> Reply:
    """Return the page that says that a form was not received."""
    content = pages.posted_page(
        static_url=context.path_to("static"),
        start_url=context.link_to("start", rd=target),
        application_name=context.components.settings.application_name,
    )
    return page(401, content, framed=context.may_be_framed)


def deny(context: RequestContext, identity: Identity, target: str) -> Reply:
    """Return the 403 for a signed-in user who may not enter. It is never a redirect, so it cannot be a loop."""
    if context.audience not in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        return access_denied(403)
    return denied_page(context, identity, target, context.refused_by or "")


def access_denied(status: int) -> Reply:
    """Return the problem for a script of a user whom the rules refuse. Signing in again would not help."""
    return problem(status, "access_denied", "You are signed in, but you do not have access.")


def denied_page(
    context: RequestContext, identity: Identity, target: str, refused_by: str, status: int = 403
) -> Reply:
    """Return the page for a refused user. It names the user and offers to sign in with another account.

    Args:
        refused_by: The name of the rule that refuses the user. The page shows the ID of the request under which the
            log explains it.
        status: 401 at ``/oauth2/sign_in``, which Nginx sends with a status of its own.
    """
    content = pages.denied_page(
        static_url=context.path_to("static"),
        identity_label=identity.label,
        switch_url=context.link_to("start", prompt="select_account", rd=target),
        sign_out_url=context.link_to("sign_out"),
        request_id=explained_in(context, identity, refused_by),
        application_name=context.components.settings.application_name,
    )
    return page(status, content, framed=context.may_be_framed)
