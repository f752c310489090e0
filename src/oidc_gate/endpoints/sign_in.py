"""``/oauth2/sign_in``: the page that Nginx's ``error_page`` shows. 401, and never a redirect."""

from __future__ import annotations

from .. import pages
from ..effects import Step
from ..model import Identity, Reply
from ..request.navigation import Audience
from ..request.return_to import asked_target
from .challenge import access_denied, challenge_program, denied_page, posted_page, sign_in_page
from .context import Parts, Visit
from .responses import bare, page


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer with the sign-in page to a person and a problem to a program.

    To a signed-in user: the page that says that they have no access where the settings refuse them; else, as
    where the query of one location of Nginx refuses them, the page that says who they are. Neither leads to a
    sign-in by itself, which would end here again.
    """
    yield from ()
    visit = visit.as_first_sent("x-auth-request-method")  # Nginx fetches an error page by GET
    target = visit.judged(wanted(visit))
    reply = _answer_anonymous(visit, target)
    if visit.identity is not None:
        reply = _answer_signed_in(visit, visit.identity, target)
    return reply.because("sign_in_page", f"for {visit.audience.value}: {_why(visit)}")


def _answer_anonymous(visit: Visit, target: str) -> Reply:
    match visit.audience:
        case Audience.NAVIGATION | Audience.FRAME:
            return sign_in_page(visit, target)
        case Audience.FORM_POST:
            return posted_page(visit, visit.referring_page)
        case Audience.PREFETCH:
            return bare(401)
        case Audience.HTMX:
            return bare(401, (("HX-Redirect", visit.link_to("start", rd=visit.referring_page)),))
        case _:
            return challenge_program(visit, target)


def _answer_signed_in(visit: Visit, identity: Identity, target: str) -> Reply:
    """Return what a signed-in user is shown, under Nginx's ``error_page 403`` as a rule."""
    if visit.audience is Audience.FORM_POST:
        target = visit.referring_page
    match visit.audience:
        case Audience.PREFETCH:
            return bare(401)
        case Audience.NAVIGATION | Audience.FRAME | Audience.FORM_POST if visit.refused_by:
            return denied_page(visit, identity, target, status=401)
        case Audience.NAVIGATION | Audience.FRAME | Audience.FORM_POST:
            return _known_page(visit, identity, target)
        case _:
            return access_denied(401)


def _why(visit: Visit) -> str:
    if visit.session is None:
        return visit.why.code
    return f"signed in, refused by {visit.refused_by}" if visit.refused_by else "signed in"


def wanted(visit: Visit) -> str:
    """Return where the visitor wanted to go, not yet judged: ``rd``, else what Nginx says was asked for, else home."""
    return asked_target(visit.request) or visit.home


def _known_page(visit: Visit, identity: Identity, target: str) -> Reply:
    settings = visit.parts.settings
    shown = pages.sign_in_page(
        static_url=visit.path_to("static"),
        start_url=visit.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        identity_label=identity.label,
        switch_url=visit.link_to("start", prompt="select_account", rd=target),
    )
    return page(401, shown)
