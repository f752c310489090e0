"""``/oauth2/callback``: somebody comes back from the provider.

Each step needs what the step before returned: the flow that this browser's cookie and ``state`` agree on, then
the `ValidatedCallback` that the code exchange demands, then the claims of a verified ID token.
"""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl

from .. import effects, pages
from ..effects import Step
from ..errors import CallbackError, GateError
from ..flow.record import FLOW_SECONDS, State, belongs, open_state
from ..flow.slots import next_round
from ..model import Identity, Reason, Reply, Session
from ..policy.claims import identity_from_claims
from ..policy.identity_headers import groups_left_out
from ..provider.authorization import process_authorization_response
from ..provider.sign_in import SignedIn, complete_sign_in
from ..request.forwarded import client_address
from ..syntax.base64url import b64url_encode
from .challenge import denied_page
from .context import Parts, Visit
from .error_pages import error_page
from .responses import page, redirect, with_cookies
from .start import flows_in

MOST_BODY_BYTES = 64 * 1024
SESSION_ID_BYTES = 16

Pairs = list[tuple[str, str]]


def answer(parts: Parts, visit: Visit) -> Step[Reply]:
    """Answer the provider's answer: on to where the person wanted to go, or a page that says what happened."""
    target: str | None = None
    try:
        pairs = yield from _parameters(parts, visit)
        raw_state, state = _state(parts, pairs)
        target = visit.judged(state.target)
        return (yield from _finish(parts, visit, pairs, raw_state, state, target))
    except GateError as error:
        return error_page(visit, error, target)


def _finish(
    parts: Parts, visit: Visit, pairs: Pairs, raw_state: str, state: State, target: str
) -> Step[Reply]:
    flow = flows_in(parts, visit).get(state.slot)
    now = yield from effects.now()
    if flow is None or not belongs(state, flow):
        return _not_of_this_browser(visit, target)
    if state.is_over(now):
        raise CallbackError("flow_expired", "More than ten minutes passed since this sign-in began.")
    metadata = yield from parts.provider.metadata()
    validated = process_authorization_response(pairs, metadata, expected_state=raw_state)
    # One process never sends a code twice, however often the answer is brought (RFC 6749 §4.1.2), and one flow
    # sends one code, however many somebody makes up.
    until = now + 2 * FLOW_SECONDS
    is_first = yield from effects.remember(f"flow\0{state.flow_id.hex()}", until)
    if not is_first or not (yield from effects.remember(_digest(validated.code), until)):
        return _not_of_this_browser(visit, target, "flow_used")
    signed_in = yield from complete_sign_in(
        parts.provider,
        validated,
        redirect_uri=visit.url_of("callback"),
        code_verifier=flow.code_verifier,
        nonce=flow.nonce,
    )
    session = yield from _new_session(parts, signed_in)
    return (yield from _welcome(parts, visit, session, state, target))


def _parameters(parts: Parts, visit: Visit) -> Step[Pairs]:
    """Return the parameters of the answer, from where `response_mode` says that they come.

    Spec: OAuth 2.0 Form Post Response Mode §2.
    """
    request = visit.request
    if parts.settings.response_mode != "form_post":
        query = request.query
    elif request.method == "POST":
        body = yield from effects.read_body(MOST_BODY_BYTES)
        query = body.decode("latin-1") if len(body) <= MOST_BODY_BYTES else ""
    else:
        query = ""
    if len(query) > MOST_BODY_BYTES:
        raise CallbackError("callback_malformed", "This answer is too long.")
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise CallbackError("callback_malformed", "This answer cannot be read.") from None


def _state(parts: Parts, pairs: Pairs) -> tuple[str, State]:
    values = [value for name, value in pairs if name == "state"]
    if len(values) > 1:
        raise CallbackError("callback_malformed", "This answer cannot be read.", detail="state is repeated")
    if not values or not values[0]:
        raise CallbackError("state_missing", "No sign-in ends here: the answer names none.")
    return values[0], open_state(parts.state_sealer, values[0])


def _not_of_this_browser(visit: Visit, target: str, code: str = "flow_missing") -> Reply:
    """Answer a callback that this browser cannot finish: its cookie was overwritten, used, or never here.

    With a session the person is where they wanted to be; a code that somebody else got is never redeemed.
    """
    if visit.session is not None:
        return redirect(target).because("already_signed_in", code)
    raise CallbackError(
        code,
        "This sign-in cannot be finished in this browser.",
        detail="no flow cookie fits the state: a callback of another browser, a cookie that was dropped (is the "
        "site http, or another domain?), overwritten by a newer tab, or used",
    )


def _new_session(parts: Parts, signed_in: SignedIn) -> Step[Session]:
    settings = parts.settings
    now = yield from effects.now()
    raw_id = yield from effects.random(SESSION_ID_BYTES)
    auth_time = signed_in.claims.get("auth_time")
    identity = identity_from_claims(
        signed_in.claims,
        issuer=settings.issuer,
        provider=parts.provider_name,
        settings=settings,
        session_id=b64url_encode(raw_id),
        authenticated_at=int(auth_time) if isinstance(auth_time, int | float) else now,
        expires_at=now + settings.session_lifetime_seconds,
    )
    keeps_access_token = settings.pass_access_token or settings.pass_authorization
    return Session(
        identity=identity,
        started_at=now,
        last_seen=now,
        sid=signed_in.sid,
        id_token=signed_in.id_token if settings.keep_id_token else "",
        access_token=signed_in.access_token if keeps_access_token else "",
    )


def _welcome(parts: Parts, visit: Visit, session: Session, state: State, target: str) -> Step[Reply]:
    """Answer somebody who signed in: the session cookie, the flow's cookie cleared, and on."""
    request, cookies, identity = visit.request, parts.cookies, session.identity
    written, session_cookies = yield from parts.sessions.write(session)
    now = yield from effects.now()
    header = visit.cookie_header
    before = "".join(cookies.find(header, cookies.rounds)[:1])
    rounds = cookies.set(cookies.rounds, next_round(before, now), max_age=FLOW_SECONDS, samesite="Lax")
    set_cookies = (*session_cookies, cookies.clear(cookies.flows[state.slot]), rounds)
    if visit.session is not None and visit.session.identity.subject != identity.subject:
        # Somebody else sits here now: no late answer in another tab may bring the former person back.
        yield from parts.end_session(visit.session)
    notes = _notes(identity, are_claims_dropped=written is not session)
    address = client_address(request, parts.trusted)
    detail = f"sub={identity.subject!a}, {len(identity.groups)} group(s), from {address}"
    refused = parts.entry.refuses(identity)
    if refused:
        notes = (Reason("refused", refused), *notes)
        reply = denied_page(visit, identity, target)
    else:
        reply = _onward(parts, visit, target)
    return with_cookies(reply, set_cookies).because("sign_in_completed", detail, notes=notes)


def _notes(identity: Identity, *, are_claims_dropped: bool) -> tuple[Reason, ...]:
    """Return what an operator should know of a sign-in that succeeded."""
    notes = []
    if left_out := groups_left_out(identity):
        detail = f"{len(left_out)} group(s) cannot be part of a header and are left out of it"
        notes.append(Reason("groups_left_out", detail=detail))
    if are_claims_dropped:
        detail = "the claims do not fit into cookies: Identity.claims is empty; ask for fewer scopes"
        notes.append(Reason("claims_left_out", detail=detail))
    return tuple(notes)


def _onward(parts: Parts, visit: Visit, target: str) -> Reply:
    if parts.settings.cookie_samesite == "Strict":
        # A browser withholds a Strict cookie on what a cross-site redirect ends at; a page of ours is same-site.
        shown = pages.continue_page(
            static_url=visit.path_to("static"),
            target=target,
            application_name=parts.settings.application_name,
        )
        return page(200, shown)
    return redirect(target, status=303 if visit.request.method == "POST" else 302)


def _digest(code: str) -> str:
    return "code\0" + hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
