"""``/oauth2/callback``: the browser comes back from the provider.

Each step requires the value that the previous step returned: the flow to which the browser's cookie and ``state``
belong, the `ValidatedCallback` that the code exchange requires, the claims of a verified ID token.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from .. import effects, pages
from ..effects import Step
from ..errors import CallbackError, GateError, Unavailable
from ..flow.record import FLOW_SECONDS, State, belongs, open_state
from ..flow.slots import count_sign_in
from ..model import Identity, Reason, Reply, Session
from ..policy.claims import identity_from_claims
from ..provider.authorization import process_authorization_response
from ..provider.client_errors import describe_sent
from ..provider.sign_in import SignedIn, complete_sign_in
from ..request.forwarded import client_address
from ..settings import Settings
from ..syntax.base64url import b64url_encode
from ..syntax.forms import read_form
from .challenge import denied_page
from .context import Components, RequestContext
from .error_pages import error_page, waiting_page
from .refusals import explanation
from .responses import page, redirect, with_cookies
from .sign_in_notes import notes_on_provider, notes_on_session
from .start import cookie_domain_hint, flows_in, foreign_flow_hint

MAX_BODY_BYTES = 64 * 1024  # Django accepts 2.5 MB; a response takes less than 5 kB
SESSION_ID_BYTES = 16

Pairs = list[tuple[str, str]]


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer the authorization response with a redirect to the target, or with a page that says what happened."""
    target: str | None = None
    try:
        pairs = yield from _parameters(components, context)
        if not pairs and _is_other_response_mode(components, context):
            raise _other_response_mode(components.settings)
        raw_state, state = _state(components, pairs)
        target = context.safe_target_or_default(state.target)
        return (yield from _finish(components, context, pairs, raw_state, state, target))
    except GateError as error:
        return error_page(context, error, target)


def _finish(
    components: Components, context: RequestContext, pairs: Pairs, raw_state: str, state: State, target: str
) -> Step[Reply]:
    flow = flows_in(components, context).get(state.slot)
    now = yield from effects.now()
    if flow is None or not belongs(state, flow):
        return _not_of_this_browser(context, target)
    if state.is_expired(now):
        raise CallbackError("flow_expired", "More than ten minutes passed since this sign-in began.")
    try:
        metadata = yield from components.provider.metadata()
        validated = process_authorization_response(
            pairs,
            metadata,
            expected_state=raw_state,
            sent=describe_sent(components.settings, context.url_of("callback")),
        )
        yield from components.provider.wait_for_turn()
    except Unavailable as error:
        if (yield from effects.last_seen(_flow_key(state))) is not None:
            return _not_of_this_browser(context, target, "flow_used")
        # The code was not sent, so the browser can send the same response again.
        return waiting_page(context, error, pairs if context.request.method == "POST" else ())
    # A process never sends a code twice, however often the response arrives (RFC 6749 §4.1.2), and it sends only one
    # code for each flow, however many an attacker invents.
    until = now + 2 * FLOW_SECONDS
    is_first = yield from effects.add_once(_flow_key(state), until)
    if not is_first or not (yield from effects.add_once(_digest(validated.code), until)):
        return _not_of_this_browser(context, target, "flow_used")
    signed_in = yield from complete_sign_in(
        components.provider,
        validated,
        redirect_uri=context.url_of("callback"),
        code_verifier=flow.code_verifier,
        nonce=flow.nonce,
    )
    session = yield from _new_session(components, signed_in)
    notes = notes_on_provider(components, context, signed_in)
    return (yield from _start_session(components, context, session, state, target, notes))


def _parameters(components: Components, context: RequestContext) -> Step[Pairs]:
    """Return the parameters of the authorization response, from the query or the form as `response_mode` requires.

    Spec: OAuth 2.0 Form Post Response Mode §2.
    """
    request = context.request
    if components.settings.response_mode != "form_post":
        query = request.query
    elif request.method == "POST":
        body = yield from effects.read_body(MAX_BODY_BYTES)
        query = body.decode("latin-1")  # a longer body is cut off after one more byte
    else:
        query = ""
    if len(query) > MAX_BODY_BYTES:
        raise CallbackError("callback_malformed", "The answer of the sign-in service is too long.")
    try:
        return read_form(query)
    except ValueError:
        raise CallbackError(
            "callback_malformed", "The answer of the sign-in service cannot be read."
        ) from None


def _is_other_response_mode(components: Components, context: RequestContext) -> bool:
    """Return whether an answer came in another way than `response_mode` says."""
    request = context.request
    if components.settings.response_mode == "form_post":
        return request.method != "POST" and "state=" in request.query
    return request.method == "POST"


def _other_response_mode(settings: Settings) -> CallbackError:
    actual, other = (
        ("the query", "query") if settings.response_mode == "form_post" else ("a form", "form_post")
    )
    return CallbackError(
        "response_mode_ignored",
        "The sign-in service answered in another way than it was asked to.",
        detail=f"response_mode is {settings.response_mode}, and the answer came in {actual}: the provider ignores it. "
        f"Fix: set response_mode to {other}, and see what the client is registered for",
    )


def _state(components: Components, pairs: Pairs) -> tuple[str, State]:
    values = [value for name, value in pairs if name == "state"]
    if len(values) > 1:
        raise CallbackError("callback_malformed", "This answer cannot be read.", detail="state is repeated")
    if not values or not values[0]:
        raise CallbackError(
            "state_missing", "No sign-in can be completed here, because the request names none."
        )
    return values[0], open_state(components.state_sealer, values[0])


def _not_of_this_browser(context: RequestContext, target: str, code: str = "flow_missing") -> Reply:
    """Answer a callback that this browser cannot complete: its flow cookie was replaced, was used, or never existed.

    A user with a session is sent to the target. The code, which may belong to another user, is not redeemed.
    """
    if context.session is not None:
        return redirect(target).because("already_signed_in", code)
    raise CallbackError(
        code,
        "This sign-in cannot be finished in this browser.",
        detail="no flow cookie fits the state: a callback of another browser, a cookie that was dropped (is the "
        f"site http, or another domain?), overwritten by a newer tab, or used{cookie_domain_hint(context)}"
        f"{foreign_flow_hint(context)}",
    )


def _new_session(components: Components, signed_in: SignedIn) -> Step[Session]:
    settings = components.settings
    now = yield from effects.now()
    raw_id = yield from effects.random(SESSION_ID_BYTES)
    auth_time = signed_in.claims.get("auth_time")
    identity = identity_from_claims(
        signed_in.claims,
        issuer=settings.issuer,
        provider=components.provider_name,
        settings=settings,
        session_id=b64url_encode(raw_id),
        authenticated_at=int(auth_time) if isinstance(auth_time, int | float) else now,
        expires_at=now + settings.session_lifetime_seconds,
    )
    is_refreshed = components.refresher is not None
    keeps_access_token = settings.pass_access_token or settings.pass_authorization or is_refreshed
    return Session(
        identity=identity,
        started_at=now,
        last_seen=now,
        sid=signed_in.sid,
        id_token=signed_in.id_token if settings.keep_id_token else "",
        access_token=signed_in.access_token if keeps_access_token else "",
        access_token_expires_at=signed_in.access_token_expires_at if keeps_access_token else 0,
        refresh_token=signed_in.refresh_token if is_refreshed and settings.refresh else "",
        checked_at=signed_in.asked_at if is_refreshed else 0,
    )


def _start_session(
    components: Components,
    context: RequestContext,
    session: Session,
    state: State,
    target: str,
    notes: tuple[Reason, ...],
) -> Step[Reply]:
    """Answer a successful sign-in: set the session cookie, clear the flow cookie, and continue to the target."""
    request, cookies, identity = context.request, components.cookies, session.identity
    session = yield from components.sessions.begin(session)
    written, session_cookies = yield from components.sessions.write(session)
    yield from _end_replaced(components, context, identity)
    now = yield from effects.now()
    header = context.cookie_header
    before = "".join(cookies.find(header, cookies.rounds)[:1])
    rounds = cookies.set(cookies.rounds, count_sign_in(before, now), max_age=FLOW_SECONDS, samesite="Lax")
    set_cookies = (*session_cookies, cookies.clear(cookies.flows[state.slot]), rounds)
    notes += notes_on_session(session, written, components.settings)
    address = client_address(request, components.trusted)
    detail = f"sub={identity.subject!a}, {len(identity.groups)} group(s), from {address}"
    refused = components.access.refuses(identity)
    if refused:
        notes = (
            Reason("refused", refused, subject=identity.subject),
            *explanation(context, identity, refused),
            *notes,
        )
        reply = denied_page(context, identity, target, refused)
    else:
        reply = _redirect_to_target(components, context, target, is_lost=state.is_lost)
    reason = Reason("sign_in_completed", "", detail, notes, identity.subject, identity.session_id)
    return replace(with_cookies(reply, set_cookies), reason=reason)


def _end_replaced(components: Components, context: RequestContext, identity: Identity) -> Step[None]:
    """End the session that the browser had, if another user has signed in, or if that session is in a store.

    Without this, a late response in another tab could sign the previous user in again.
    """
    if context.loaded is None:
        return
    is_same_user = context.loaded.session.identity.subject == identity.subject
    if is_same_user and not components.sessions.are_stored:
        return
    try:
        yield from components.end_session(context.loaded)
    except Unavailable:
        if not is_same_user:
            raise


def _redirect_to_target(
    components: Components, context: RequestContext, target: str, *, is_lost: bool
) -> Reply:
    if is_lost:
        content = pages.lost_page(
            static_url=context.path_to("static"),
            target=target,
            application_name=components.settings.application_name,
        )
        return page(200, content)
    if components.settings.cookie_samesite == "Strict":
        # After a cross-site redirect a browser sends no Strict cookie. After a page of the same site it does.
        content = pages.continue_page(
            static_url=context.path_to("static"),
            target=target,
            application_name=components.settings.application_name,
        )
        return page(200, content)
    return redirect(target, status=303 if context.request.method == "POST" else 302)


def _flow_key(state: State) -> str:
    return f"flow\0{state.flow_id.hex()}"


def _digest(code: str) -> str:
    return "code\0" + hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
