"""``/oauth2/start``: starts a sign-in. It sets one flow cookie and redirects to the provider."""

from __future__ import annotations

import re
from functools import partial

from .. import effects, pages
from ..effects import Step
from ..errors import GateError
from ..flow.record import FLOW_SECONDS, SECRET_BYTES, Flow, open_flow, seal_flow, seal_state
from ..flow.slots import choose_slot, is_sign_in_loop
from ..model import Reply
from ..provider.authorization import build_authorization_request, supported_prompt
from ..provider.discovery import Metadata
from ..request.navigation import Audience, is_marked_by_script
from ..request.return_to import is_lost
from ..seal.ring import NONCE_BYTES
from ..syntax.cookie_names import FLOW_SLOTS
from ..syntax.forms import values_of
from .context import Components, RequestContext
from .error_pages import answer_error
from .responses import page, problem, redirect
from .sign_in import requested_target

MAX_STATE_LENGTH = 3072
"""In characters. The provider sends `state` back in a URL, and gunicorn accepts a request line of 4,094 characters."""
PROMPTS = frozenset({"login", "select_account", "consent"})
_MOVED = "moved"


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer a navigation with a redirect to the provider."""
    if not _is_navigation(context):
        reply = problem(
            400, "not_a_navigation", "Sign-in starts when a browser opens this address as a page."
        )
        return reply.because("not_a_navigation", f"the kind of the request is {context.audience.value}")
    target = context.safe_target_or_default(requested_target(context))
    if context.is_on_other_host and not _parameter(context, _MOVED):
        return _to_public_url(context, target)
    now = yield from effects.now()
    if context.session is None and is_sign_in_loop(_sign_in_count(context), now):
        return _loop_page(context, target).because("sign_in_loop", _loop_cause(context))
    try:
        return (yield from _begin(components, context, target))
    except GateError as error:
        return answer_error(context, error, target)


def _begin(components: Components, context: RequestContext, target: str) -> Step[Reply]:
    metadata = yield from components.provider.metadata()
    now = yield from effects.now()
    entropy = yield from effects.random(SECRET_BYTES + 2 * NONCE_BYTES + 1)
    flow = Flow(now, entropy[:SECRET_BYTES])
    state_nonce, cookie_nonce = entropy[SECRET_BYTES:][:NONCE_BYTES], entropy[SECRET_BYTES + NONCE_BYTES : -1]
    slot = choose_slot(flows_in(components, context), FLOW_SLOTS, entropy[-1])
    is_unfit = target == context.default_target and context.is_address_lost
    lost = is_lost(context.request.query) or is_unfit
    seal = partial(seal_state, components.state_sealer, flow, slot, seal_nonce=state_nonce)
    state = seal(target=target, is_lost=lost)
    if len(state) > MAX_STATE_LENGTH:
        state = seal(target=context.default_target, is_lost=True)
    url = yield from build_authorization_request(
        metadata,
        components.settings,
        redirect_uri=context.url_of("callback"),
        state=state,
        nonce=flow.nonce,
        code_verifier=flow.code_verifier,
        prompt=_prompt(context, metadata),
        push=components.provider.push,
    )
    cookies = components.cookies
    value = seal_flow(components.flow_sealers[slot], flow, cookie_nonce)
    cookie = cookies.set(cookies.flows[slot], value, max_age=FLOW_SECONDS, samesite=cookies.flow_samesite)
    return redirect(url, (("Set-Cookie", cookie),)).because("sign_in_started")


def flows_in(components: Components, context: RequestContext) -> dict[int, Flow | None]:
    """Return the flows whose cookies the request has, by slot; None for a cookie that cannot be opened."""
    found: dict[int, Flow | None] = {}
    for slot, name in enumerate(components.cookies.flows):
        for value in components.cookies.find(context.cookie_header, name):
            found[slot] = open_flow(components.flow_sealers[slot], value) or found.get(slot)
    return found


def _is_navigation(context: RequestContext) -> bool:
    """Return whether a browser opens this as a page. Without Fetch Metadata any GET may be a page load."""
    if context.audience is Audience.NAVIGATION:
        return True
    headers = context.request.headers
    by_hand = context.audience is Audience.SCRIPT and "sec-fetch-mode" not in headers
    return by_hand and not is_marked_by_script(headers)


def _to_public_url(context: RequestContext, target: str) -> Reply:
    """Send the browser to the same endpoint at ``public_url``, because the provider returns it there.

    The cookie of a flow that began on another host would not be sent to the callback. A parameter in the query prevents
    a second redirect if a proxy replaces ``Host``.
    """
    prompt = _parameter(context, "prompt")
    query = {_MOVED: "1"} | ({"prompt": prompt} if prompt in PROMPTS else {})
    return redirect(context.url_of("start", **query, rd=target)).because(
        "moved_to_public_url", f"Host is {context.request.host!a}, public_url has {context.site.host}"
    )


def _prompt(context: RequestContext, metadata: Metadata) -> str | None:
    prompt = _parameter(context, "prompt")
    return supported_prompt(prompt, metadata) if prompt in PROMPTS else None


def _parameter(context: RequestContext, name: str) -> str:
    # Only in front of rd, because what follows may be the query of another page that Nginx inserted.
    before_rd = context.request.query.partition("rd=")[0]
    return next(iter(values_of(before_rd, name)), "")


def _sign_in_count(context: RequestContext) -> str:
    return "".join(
        context.components.cookies.find(context.cookie_header, context.components.cookies.rounds)[:1]
    )


def cookie_domain_hint(context: RequestContext) -> str:
    """Return the end of a sentence in the log: what may be wrong with `cookie_domain`; empty if it is not set."""
    domain, host = context.components.settings.cookie_domain, re.sub(r":[0-9]+\Z", "", context.site.host)
    if not domain:
        return ""
    if host != domain and not host.endswith(f".{domain}"):
        return f"; cookie_domain {domain} does not cover {host}"
    return (
        f"; cookie_domain {domain} may be a public suffix (as co.uk is), for which browsers keep no cookies"
    )


def foreign_flow_hint(context: RequestContext) -> str:
    """Return the end of a sentence in the log: what may be wrong if the request has flow cookies that do not open."""
    if None not in flows_in(context.components, context).values():
        return ""
    return f"; a flow cookie came that this gate did not seal: {_ANOTHER_GATE}"


_ANOTHER_GATE = (
    "does another gate on this host, on another port or below another path too, use the same cookie_name? Fix: give "
    "each gate its own cookie_name, and all servers of one gate the same cookie_secret"
)
_REPLACED = ("seal_foreign", "seal_forged")


def _loop_cause(context: RequestContext) -> str:
    """Return why the browser signs in again and again, for the log."""
    code, name = context.reason.code, context.components.cookies.main
    if code == "no_cookie":
        return f"the session cookie does not come back{cookie_domain_hint(context)}"
    if code in _REPLACED:
        return f"the session cookie comes back replaced: {name} was not sealed by this gate ({code}); {_ANOTHER_GATE}"
    return f"the session cookie comes back, but opens no session: {code}"


def _loop_page(context: RequestContext, target: str) -> Reply:
    causes: tuple[str, ...] = pages.LOOP_CAUSES
    if context.reason.code in _REPLACED:
        causes = (pages.ANOTHER_GATE_CAUSE,)
    elif context.components.settings.cookie_domain:
        causes = (*causes, pages.COOKIE_DOMAIN_CAUSE)
    content = pages.loop_page(
        static_url=context.path_to("static"),
        request_id=context.request.request_id,
        action_url=context.link_to("start", rd=target),
        causes=causes,
        application_name=context.components.settings.application_name,
    )
    return page(
        400, content, (("Set-Cookie", context.components.cookies.clear(context.components.cookies.rounds)),)
    )
