"""``/oauth2/signed_out``: the end of a sign-out, and the ``post_logout_redirect_uri`` to register."""

from __future__ import annotations

from .. import effects, pages
from ..effects import Step
from ..model import Reply
from ..syntax.forms import values_of
from . import logout_state
from .context import Components, RequestContext
from .responses import CLEAR_CACHE, page, redirect


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with a page that says which sessions have ended, or ask a user who is still signed in to sign out.

    If the sign-out has a target, the user goes there instead.

    The session at the provider counts as ended only with the ``state`` that was sent there (RP-Initiated Logout §3).
    """
    # The user is signed in: this is a link from elsewhere, or there was a new sign-in in the meantime.
    if context.session is not None:
        return redirect(context.link_to("sign_out")).because("still_signed_in")
    now = yield from effects.now()
    states = values_of(context.request.query, "state")
    found = logout_state.read(components, states[0], now) if len(states) == 1 else None
    # Clear the caches once more, because the browser has put the user's page into its cache for "Back" only since the
    # first answer. This needs the state, so that links of other sites to this address have no effect.
    clear = (CLEAR_CACHE,) if found else ()
    if found and found.target:
        return redirect(found.target, clear, status=303).because("signed_out_target")
    content = pages.signed_out_page(
        static_url=context.path_to("static"),
        sign_in_url=context.link_to("start", rd=context.default_target),
        provider_signed_out=found is not None and found.is_at_provider,
        application_name=components.settings.application_name,
    )
    if states and found is None:
        return page(200, content).because("logout_state", "the state is not one that the gate sent")
    return page(200, content, clear).because("signed_out_page")
