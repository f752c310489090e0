"""``/oauth2/start``: a sign-in begins. One flow cookie, and off to the provider."""

from __future__ import annotations

from urllib.parse import parse_qsl

from .. import effects, pages
from ..effects import Step
from ..errors import GateError
from ..flow.record import FLOW_SECONDS, SECRET_BYTES, Flow, open_flow, seal_flow, seal_state
from ..flow.slots import choose_slot, is_going_round
from ..model import Reply
from ..provider.authorization import build_authorization_request
from ..request.navigation import Audience
from ..seal.ring import NONCE_BYTES
from ..session.cookie_jar import FLOW_SLOTS
from .context import Parts, Visit
from .error_pages import answer_error
from .responses import page, problem, redirect
from .sign_in import wanted

PROMPTS = frozenset({"login", "select_account", "consent"})


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer a navigation with a redirect to the provider."""
    if not _is_navigation(visit):
        reply = problem(
            400, "not_a_navigation", "Sign-in starts when a browser opens this address as a page."
        )
        return reply.because("not_a_navigation", f"the request is of the kind {visit.audience.value}")
    target = visit.judged(wanted(visit))
    now = yield from effects.now()
    if visit.session is None and is_going_round(_rounds(visit), now):
        return _loop_page(visit, target).because("sign_in_loop", "the session cookie does not come back")
    try:
        return (yield from _begin(parts, visit, target))
    except GateError as error:
        return answer_error(visit, error, target)


def _begin(parts: Parts, visit: Visit, target: str) -> Step[Reply]:
    metadata = yield from parts.provider.metadata()
    now = yield from effects.now()
    entropy = yield from effects.random(SECRET_BYTES + 2 * NONCE_BYTES + 1)
    flow = Flow(now, entropy[:SECRET_BYTES])
    state_nonce, cookie_nonce = entropy[SECRET_BYTES:][:NONCE_BYTES], entropy[SECRET_BYTES + NONCE_BYTES : -1]
    slot = choose_slot(flows_in(parts, visit), FLOW_SLOTS, entropy[-1])
    url = yield from build_authorization_request(
        metadata,
        parts.settings,
        redirect_uri=visit.url_of("callback"),
        state=seal_state(parts.state_sealer, flow, slot, target, state_nonce),
        nonce=flow.nonce,
        code_verifier=flow.code_verifier,
        prompt=_prompt(visit),
    )
    cookies = parts.cookies
    value = seal_flow(parts.flow_sealers[slot], flow, cookie_nonce)
    cookie = cookies.set(cookies.flows[slot], value, max_age=FLOW_SECONDS, samesite=cookies.flow_samesite)
    return redirect(url, (("Set-Cookie", cookie),)).because("sign_in_started")


def flows_in(parts: Parts, visit: Visit) -> dict[int, Flow | None]:
    """Return the flows whose cookies came, by slot; None for a cookie that does not open."""
    found: dict[int, Flow | None] = {}
    for slot, name in enumerate(parts.cookies.flows):
        for value in parts.cookies.find(visit.cookie_header, name):
            found[slot] = open_flow(parts.flow_sealers[slot], value) or found.get(slot)
    return found


def _is_navigation(visit: Visit) -> bool:
    """Tell whether a person's browser opens this as a page; without Fetch Metadata every GET may be one."""
    if visit.audience is Audience.NAVIGATION:
        return True
    headers = visit.request.headers
    by_hand = visit.audience is Audience.SCRIPT and "sec-fetch-mode" not in headers
    return by_hand and "x-requested-with" not in headers


def _prompt(visit: Visit) -> str | None:
    # only in front of rd: what follows may be the query of another page, pasted by Nginx
    before_rd = visit.request.query.partition("rd=")[0]
    asked = [value for name, value in parse_qsl(before_rd) if name == "prompt" and value in PROMPTS]
    return asked[0] if asked else None


def _rounds(visit: Visit) -> str:
    return "".join(visit.parts.cookies.find(visit.cookie_header, visit.parts.cookies.rounds)[:1])


def _loop_page(visit: Visit, target: str) -> Reply:
    shown = pages.loop_page(
        static_url=visit.path_to("static"),
        request_id=visit.request.request_id,
        action_url=visit.link_to("start", rd=target),
        application_name=visit.parts.settings.application_name,
    )
    return page(400, shown, (("Set-Cookie", visit.parts.cookies.clear(visit.parts.cookies.rounds)),))
