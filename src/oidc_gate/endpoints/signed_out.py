"""``/oauth2/signed_out``: the end of a sign-out, and the ``post_logout_redirect_uri`` to register."""

from __future__ import annotations

from .. import effects, pages
from ..effects import Step
from ..model import Reply
from ..syntax.forms import values_of
from .context import Components, RequestContext
from .responses import page, redirect
from .sign_out import LOGOUT_STATE

STATE_SECONDS = 3600


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with a page that says which sessions have ended, or ask a user who is still signed in to sign out.

    The session at the provider counts as ended only with the ``state`` that was sent there (RP-Initiated Logout §3).
    """
    # A link from elsewhere, or a new sign-in in the meantime: the page would not be true.
    if context.session is not None:
        return redirect(context.link_to("sign_out")).because("still_signed_in")
    now = yield from effects.now()
    states = values_of(context.request.query, "state")
    is_confirmed = len(states) == 1 and components.logout_states.is_signed(
        states[0], LOGOUT_STATE, now, max_age_seconds=STATE_SECONDS
    )
    content = pages.signed_out_page(
        static_url=context.path_to("static"),
        sign_in_url=context.link_to("start", rd=context.default_target),
        provider_signed_out=is_confirmed,
        application_name=components.settings.application_name,
    )
    if states and not is_confirmed:
        return page(200, content).because("logout_state", "the state is not one that the gate sent")
    return page(200, content).because("signed_out_page")
