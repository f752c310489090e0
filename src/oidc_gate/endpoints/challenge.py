"""What somebody is told who has to sign in, or who may not enter: a page to a person, a problem to a program."""

from __future__ import annotations

from .. import pages
from ..model import Identity, Reply
from ..request.navigation import Audience
from .context import Visit
from .responses import bare, page, problem, redirect

SIGN_IN_FIRST = "Sign in to continue."


def challenge(visit: Visit, *, redirects: bool) -> Reply:
    """Return the 401 (or the way on) for a request without a session.

    Args:
        redirects: `auto_sign_in` may answer with a redirect; not under an ``error_page`` of Nginx, where no
            browser follows it.
    """
    settings = visit.parts.settings
    match visit.audience:
        case Audience.NAVIGATION if redirects and settings.auto_sign_in:
            return redirect(visit.link_to("start", rd=visit.own_target))
        case Audience.NAVIGATION | Audience.FRAME:
            return sign_in_page(visit, visit.own_target)
        case Audience.FORM_POST:
            return posted_page(visit, visit.referring_page)
        case Audience.PREFETCH:
            return bare(401)
        case Audience.HTMX:
            return bare(401, (("HX-Redirect", visit.link_to("start", rd=_htmx_page(visit))),))
        case _:
            return challenge_program(visit, visit.referring_page)


def challenge_program(visit: Visit, target: str) -> Reply:
    """Return the 401 for a program: ``sign_in`` says where a person would go."""
    start = visit.url_of("start") + visit.link_to("start", rd=target).removeprefix(visit.link_to("start"))
    return problem(401, visit.why.code, SIGN_IN_FIRST, sign_in=start)


def sign_in_page(visit: Visit, target: str) -> Reply:
    """Return the sign-in page; with `auto_sign_in` it goes on by itself, under every status."""
    settings = visit.parts.settings
    goes_on = settings.auto_sign_in and visit.audience is not Audience.FRAME
    shown = pages.sign_in_page(
        static_url=visit.path_to("static"),
        start_url=visit.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        refresh_seconds=0 if goes_on else None,
    )
    return page(401, shown)


def posted_page(visit: Visit, target: str) -> Reply:
    """Return the page that says that a form was not received."""
    shown = pages.posted_page(
        static_url=visit.path_to("static"),
        start_url=visit.link_to("start", rd=target),
        application_name=visit.parts.settings.application_name,
    )
    return page(401, shown)


def deny(visit: Visit, identity: Identity, target: str) -> Reply:
    """Return the 403 for somebody who is signed in and may not enter. Never a redirect, so never a loop."""
    if visit.audience not in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        return access_denied(403)
    return denied_page(visit, identity, target)


def access_denied(status: int) -> Reply:
    """Return the problem for a program of a user whom the rules refuse; to sign in again would not help it."""
    return problem(status, "access_denied", "You are signed in, but may not enter.")


def denied_page(visit: Visit, identity: Identity, target: str, status: int = 403) -> Reply:
    """Return the page for somebody refused: who they are, and a way to sign in as somebody else.

    Args:
        status: 401 at ``/oauth2/sign_in``, whose answer Nginx sends under a status of its own.
    """
    shown = pages.denied_page(
        static_url=visit.path_to("static"),
        identity_label=identity.label,
        switch_url=visit.link_to("start", prompt="select_account", rd=target),
        sign_out_url=visit.link_to("sign_out"),
        request_id=visit.request.request_id,
        application_name=visit.parts.settings.application_name,
    )
    return page(status, shown)


def _htmx_page(visit: Visit) -> str:
    """Return the page that htmx runs in, if it is one of ours."""
    current = visit.request.headers.get("hx-current-url")
    return visit.judged(current) if current.startswith(visit.here + "/") else visit.referring_page
