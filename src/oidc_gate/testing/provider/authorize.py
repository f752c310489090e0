"""The authorization endpoint."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from oidc_gate.testing.provider import pages, pushed
from oidc_gate.testing.provider.authorization_request import RESPONSE_MODES, find_client, read_request
from oidc_gate.testing.provider.messages import (
    Headers,
    Pairs,
    ProtocolError,
    Received,
    Reply,
    add_query,
    redirect,
    single_valued,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import AuthorizationRequest, Grant, Realm, Session


def authorize(realm: Realm, received: Received) -> Reply:
    """Answer the authorization endpoint.

    Spec: OpenID Connect Core §3.1.2; RFC 6749 §4.1.1; RFC 9700 §2.1.
    """
    pairs = received.form_pairs if received.method == "POST" else received.query_pairs
    try:
        unpacked = pushed.unpack(realm, pairs)
        pairs = unpacked.pairs
        client, redirect_uri = find_client(realm, pairs)
    except (
        ProtocolError
    ) as error:  # RFC 6749 §4.1.2.1: never redirect to a URI that does not certainly belong to the client
        return pages.error_page(error.description)
    try:
        pushed.demand(client, unpacked)
        request = read_request(client, redirect_uri, single_valued(pairs))
        return _with_person(realm, received, request)
    except ProtocolError as error:
        return answer(realm, _answerable(client, redirect_uri, pairs), _error_pairs(error))


def _answerable(client: Client, redirect_uri: str, pairs: Pairs) -> AuthorizationRequest:
    """Return what is needed to answer a refused request. A repeated state is left out."""
    states = [value for name, value in pairs if name == "state"]
    modes = [value for name, value in pairs if name == "response_mode"]
    return AuthorizationRequest(
        client_id=client.client_id, redirect_uri=redirect_uri, scopes=frozenset(),
        response_mode=modes[0] if len(modes) == 1 and modes[0] in RESPONSE_MODES else "query",
        state=states[0] if len(states) == 1 else None, nonce=None, code_challenge="", prompts=frozenset(),
        max_age=None, login_hint=None, acr_values=(),
    )  # fmt: skip


def _error_pairs(error: ProtocolError) -> Pairs:
    return [("error", error.error), ("error_description", error.description)]


def _with_person(realm: Realm, received: Received, request: AuthorizationRequest) -> Reply:
    session = realm.sessions.get(received.cookies.get(cookie_name(realm)))
    if session is not None and session.sub not in realm.people:
        session = None
    if realm.auto_login is not None:
        return _signed_in_at_once(realm, session, request)
    fresh = session is not None and not _must_sign_in(realm, session, request)
    consent = "consent" in request.prompts
    if session is not None and fresh and not consent:
        return grant_code(realm, session, request)
    if "none" in request.prompts:
        raise ProtocolError("login_required", "no user is signed in here, or not recently enough")
    people = [realm.people[session.sub]] if session is not None and fresh else list(realm.people.values())
    return pages.choose_person(
        request.client_id, people, realm.pending.add(request), request.login_hint,
        consent=consent, action=f"{realm.issuer}/login",
    )  # fmt: skip


def _must_sign_in(realm: Realm, session: Session, request: AuthorizationRequest) -> bool:
    too_old = request.max_age is not None and realm.now() - session.auth_time > request.max_age
    return too_old or bool(request.prompts & {"login", "select_account"})


def _signed_in_at_once(realm: Realm, session: Session | None, request: AuthorizationRequest) -> Reply:
    sub = realm.auto_login or ""
    if session is not None and session.sub == sub and not _must_sign_in(realm, session, request):
        return grant_code(realm, session, request)
    return _sign_in(realm, session, sub, request)


def login(realm: Realm, received: Received) -> Reply:
    """Answer the form of the sign-in page.

    Spec: OpenID Connect Core §3.1.2.3.
    """
    form = received.form
    request, first = realm.pending.spend(form.get("transaction", ""))
    if received.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return pages.error_page("This form was sent from another site.", status=403)
    if request is None or not first:
        return pages.error_page("This sign-in has ended or expired; start again from the application.")
    if "deny" in form:
        return answer(realm, request, _error_pairs(ProtocolError("access_denied", "the user cancelled")))
    session = realm.sessions.get(received.cookies.get(cookie_name(realm)))
    if form.get("sub") not in realm.people:
        return pages.error_page("There is no such user.")
    if session is not None and session.sub == form["sub"] and not _must_sign_in(realm, session, request):
        return grant_code(realm, session, request)
    return _sign_in(realm, session, form["sub"], request)


def _sign_in(realm: Realm, session: Session | None, sub: str, request: AuthorizationRequest) -> Reply:
    """Start a session. If the same user signs in again, the session keeps its sid."""
    fresh = Session(sub, realm.now())
    if session is not None and session.sub == sub:
        fresh = replace(session, auth_time=realm.now())
    return grant_code(realm, fresh, request, headers=(session_cookie(realm, realm.sessions.add(fresh)),))


def cookie_name(realm: Realm) -> str:
    """Return the name of the session cookie.

    It contains the port, because cookies of localhost are shared by all ports.
    """
    return f"oidc_gate_test_provider_{urlsplit(realm.issuer).port or 0}"


def session_cookie(realm: Realm, value: str) -> tuple[str, str]:
    """Return the Set-Cookie header. An empty value clears the cookie."""
    path = urlsplit(realm.issuer).path or "/"
    clear = "" if value else "; Max-Age=0"
    return ("Set-Cookie", f"{cookie_name(realm)}={value}; Path={path}; HttpOnly; SameSite=Lax{clear}")


def grant_code(
    realm: Realm, session: Session, request: AuthorizationRequest, *, headers: Headers = ()
) -> Reply:
    """Issue a code that can be used once.

    Spec: RFC 6749 §4.1.2.
    """
    session.client_ids.add(request.client_id)
    grant = Grant(
        request=request,
        sub=session.sub,
        sid=session.sid,
        auth_time=session.auth_time,
        expires_at=realm.now() + realm.code_seconds,
    )
    return answer(realm, request, [("code", realm.codes.add(grant))], headers=headers)


def answer(realm: Realm, request: AuthorizationRequest, said: Pairs, *, headers: Headers = ()) -> Reply:
    """Redirect the browser to the client with the response, `state` and `iss`.

    Spec: RFC 6749 §4.1.2; RFC 9207 §2 (`iss` also in errors).
    """
    params = [
        *said,
        *([("state", request.state)] if request.state is not None else []),
        ("iss", realm.issuer),
    ]
    params = realm.behaviour.authorization(params, realm)
    if request.response_mode == "form_post":
        return pages.form_post(request.redirect_uri, params, headers=headers)
    return redirect(add_query(request.redirect_uri, params), headers=headers)
