"""``/oauth2/sign_in``: the page that Nginx's ``error_page`` shows. It answers 401, never with a redirect.

In place of a page that ``auth_request`` refused, it has no challenge: Nginx has copied that of the verdict.
"""

from __future__ import annotations

from .. import pages
from ..effects import Step
from ..model import Identity, Reason, Reply
from ..request.navigation import Audience
from ..request.return_to import raw_rd, safe_target, unchecked_target
from .challenge import access_denied, challenge, denied_page
from .context import Components, RequestContext
from .cors import answer_preflight
from .refusals import AUTH_QUERY, explanation
from .responses import bare, page, without_challenge


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with the sign-in page, or with a problem for a script.

    A signed-in user gets another page. If the settings, or the query of one Nginx location, refuse the user, the page
    says that; otherwise it says who is signed in. Neither page starts a sign-in by itself, because the sign-in would
    lead here again.
    """
    yield from ()
    context = context.as_first_sent("x-auth-request-method")  # Nginx fetches an error page with GET
    if (preflight := answer_preflight(context)) is not None:
        return preflight
    target = context.target_after_sign_in(requested_target(context), raw_rd(context.request.query) or "")
    if context.identity is None:
        reply = challenge(context, target, redirects=False)
    else:
        reply = _answer_signed_in(context, context.identity, target)
    notes: tuple[Reason, ...] = ()
    if context.identity is not None and (refused_by := _refused_by(context)):
        notes = explanation(context, context.identity, refused_by)
    if _replaces_page(context):
        reply = without_challenge(
            reply
        )  # `auth_request` has copied that of the verdict, and would add this one
    return reply.because("sign_in_page", f"for {context.audience.value}: {_reason(context)}", notes=notes)


def _answer_signed_in(context: RequestContext, identity: Identity, target: str) -> Reply:
    """Return the answer for a signed-in user, which Nginx usually fetches for ``error_page 403``."""
    match context.audience:
        case Audience.PREFETCH:
            return bare(401)
        case Audience.NAVIGATION | Audience.FRAME | Audience.FORM_POST if refused_by := _refused_by(context):
            return denied_page(context, identity, target, refused_by, status=401)
        case Audience.NAVIGATION | Audience.FRAME | Audience.FORM_POST:
            return _known_page(context, identity, target)
        case _:
            return access_denied(401)


def _reason(context: RequestContext) -> str:
    if context.session is None:
        return context.reason.code
    refused_by = _refused_by(context)
    return f"signed in, refused by {refused_by}" if refused_by else "signed in"


def _refused_by(context: RequestContext) -> str:
    """Return what refuses the signed-in user: a rule of the settings, the query of the auth location, or nothing.

    If Nginx shows the sign-in page instead of another page to a user whom the settings admit, ``/oauth2/auth`` has
    refused the user there.
    """
    return context.refused_by or (AUTH_QUERY if _replaces_page(context) else "")


def _replaces_page(context: RequestContext) -> bool:
    """Return whether Nginx shows the answer in place of a page, which it names, and not because a client opened it."""
    asked_for = context.request.headers.get("x-auth-request-redirect")
    return bool(
        asked_for and safe_target(context.absolute(asked_for), context.site, context.components.settings)
    )


def requested_target(context: RequestContext) -> str:
    """Return the requested target, not validated: ``rd``, or the URI that Nginx reports, or the default target."""
    return unchecked_target(context.request) or context.default_target


def _known_page(context: RequestContext, identity: Identity, target: str) -> Reply:
    settings = context.components.settings
    content = pages.sign_in_page(
        static_url=context.path_to("static"),
        start_url=context.link_to("start", rd=target),
        application_name=settings.application_name,
        provider_name=settings.provider_name,
        identity_label=identity.label,
        switch_url=context.link_to("start", prompt="select_account", rd=target),
    )
    return page(401, content, framed=context.may_be_framed)
