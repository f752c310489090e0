"""``/oauth2/signed_out``: where sign-out ends; the ``post_logout_redirect_uri`` to register."""

from __future__ import annotations

from urllib.parse import parse_qs

from .. import effects, pages
from ..effects import Step
from ..model import Reply
from .context import Parts, Visit
from .responses import page, redirect
from .sign_out import LOGOUT_STATE

STATE_SECONDS = 3600


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer with a page that says how far sign-out went; with the question, to somebody still signed in.

    The provider's part is believed only with the ``state`` that was sent there (RP-Initiated Logout §3).
    """
    if visit.session is not None:  # a link from elsewhere, or a new sign-in since: the page would not be true
        return redirect(visit.link_to("sign_out")).because("still_signed_in")
    now = yield from effects.now()
    states = parse_qs(visit.request.query).get("state", [])
    came_back = len(states) == 1 and parts.logout_states.is_signed(
        states[0], LOGOUT_STATE, now, max_age_seconds=STATE_SECONDS
    )
    shown = pages.signed_out_page(
        static_url=visit.path_to("static"),
        sign_in_url=visit.link_to("start", rd=visit.home),
        provider_signed_out=came_back,
        application_name=parts.settings.application_name,
    )
    if states and not came_back:
        return page(200, shown).because("logout_state", "the state is not one that the gate sent")
    return page(200, shown).because("signed_out_page")
