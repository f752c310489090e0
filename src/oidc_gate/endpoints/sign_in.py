"""``/oauth2/sign_in``: the page that Nginx's ``error_page`` shows. 401, and never a redirect."""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from ..observe import log
from ..request.navigation import Audience
from ..request.return_to import asked_target
from .base import Parts, Visit
from .challenge import challenge_program, posted_page, sign_in_page
from .replies import bare, page, problem


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer with the sign-in page to a person, a problem to a program; who it is to somebody signed in."""
    yield from ()
    visit = visit.as_first_sent("x-auth-request-method")  # Nginx fetches an error page by GET
    target = visit.judged(wanted(visit))
    why = "signed in" if visit.session else visit.why
    log.decided(visit.request, "401", f"sign-in for {visit.audience.value}: {why}")
    match visit.audience:
        case Audience.NAVIGATION | Audience.FRAME:
            return sign_in_page(visit, target) if visit.identity is None else _known_page(visit, target)
        case Audience.FORM_POST:
            return posted_page(visit, visit.referring_page)
        case Audience.PREFETCH:
            return bare(401)
        case Audience.HTMX:
            return bare(401, (("HX-Redirect", visit.link_to("start", rd=visit.referring_page)),))
        case _ if visit.identity is not None:  # shown under Nginx's error_page 403
            return problem(401, "access_denied", "You are signed in, but may not enter.")
        case _:
            return challenge_program(visit, target)


def wanted(visit: Visit) -> str:
    """Return where the visitor wanted to go, not yet judged: ``rd``, else what Nginx says was asked for, else home."""
    return asked_target(visit.request) or visit.home


def _known_page(visit: Visit, target: str) -> Reply:
    from .. import pages

    assert visit.identity is not None
    settings = visit.parts.settings
    shown = pages.sign_in_page(
        static_url=visit.path_to("static"),
        start_url=visit.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        identity_label=visit.identity.label,
        switch_url=visit.link_to("start", prompt="select_account", rd=target),
    )
    return page(401, shown)
