"""Sign-out that a relying party requests, and the logout tokens for all relying parties."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import requests

from oidc_gate.testing.provider import pages
from oidc_gate.testing.provider.authorize import cookie_name, session_cookie
from oidc_gate.testing.provider.client_auth import peek, verify_jws
from oidc_gate.testing.provider.keys import secret_key
from oidc_gate.testing.provider.messages import (
    Json,
    ProtocolError,
    Received,
    Reply,
    add_query,
    redirect,
    single_valued,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import Realm, Session
from oidc_gate.testing.provider.tokens import draft

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class Delivery:
    """The result of sending one logout token. The status is 0 if there was no answer."""

    client_id: str
    status: int
    body: str


@dataclass(frozen=True)
class _Request:
    """A sign-out request, with only those values that were verified."""

    client: Client | None
    sid: str | None
    onward: str | None


def end_session(realm: Realm, received: Received) -> Reply:
    """Answer the end session endpoint.

    Spec: OpenID Connect RP-Initiated Logout §2, §3.
    """
    pairs = received.form_pairs if received.method == "POST" else received.query_pairs
    try:
        params = single_valued(pairs)
        asked = _read(realm, params)
    except ProtocolError as error:
        return pages.error_page(error.description)
    session = _session(realm, received, asked.sid)
    if session is not None and session.sid != asked.sid and not _confirmed(received, params):
        return pages.confirm_sign_out(
            [p for p in pairs if p[0] != "confirm"], action=f"{realm.issuer}/end_session"
        )
    frames = sign_out_everywhere(realm, session) if session is not None else []
    clear = (session_cookie(realm, ""),)
    if asked.onward is not None and not frames:
        return redirect(asked.onward, headers=clear)
    return pages.signed_out(frames, asked.onward, headers=clear)


def _read(realm: Realm, params: dict[str, str]) -> _Request:
    hint = _hinted(realm, params["id_token_hint"]) if "id_token_hint" in params else {}
    client_id = params.get("client_id", hint.get("aud"))
    if hint and client_id != hint["aud"]:
        raise ProtocolError(
            "invalid_request", "The client_id is not the one that the id_token_hint was made for."
        )
    client = realm.clients.get(client_id) if client_id is not None else None
    if client_id is not None and client is None:
        raise ProtocolError("invalid_request", "The client_id is unknown.")
    onward = params.get("post_logout_redirect_uri")
    if onward is not None and (client is None or onward not in client.post_logout_redirect_uris):
        raise ProtocolError(
            "invalid_request", "The post_logout_redirect_uri is not registered for this client."
        )
    if onward is not None:
        state = [("state", params["state"])] if "state" in params else []
        onward = add_query(onward, realm.behaviour.end_session(state, realm))
    return _Request(client, hint.get("sid"), onward)


def _hinted(realm: Realm, id_token: str) -> Json:
    """Verify an ID token of this provider, which may have expired.

    Spec: OpenID Connect RP-Initiated Logout §2 (id_token_hint).
    """
    header, claims = peek(id_token)
    client, alg = realm.clients.get(str(claims.get("aud"))), str(header.get("alg"))
    keys = realm.ring.public_keys()
    if client is not None and alg.startswith("HS"):
        keys = [secret_key(client.client_secret or "")]
    if client is None or claims.get("iss") != realm.issuer or not verify_jws(id_token, keys, alg):
        raise ProtocolError("invalid_request", "The id_token_hint is not an ID token of this provider.")
    return claims


def _session(realm: Realm, received: Received, sid: str | None) -> Session | None:
    by_cookie = realm.sessions.get(received.cookies.get(cookie_name(realm)))
    if by_cookie is not None:
        return by_cookie
    return next((session for session in realm.sessions.values() if session.sid == sid), None)


def _confirmed(received: Received, params: dict[str, str]) -> bool:
    own_form = received.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return received.method == "POST" and "confirm" in params and own_form


def sign_out_everywhere(realm: Realm, session: Session) -> list[str]:
    """End a session, send the logout tokens, and return the front-channel URIs that remain to be loaded.

    Spec: OpenID Connect Back-Channel Logout §2.5; Front-Channel Logout §2, §3.
    """
    realm.sessions.drop_where(lambda other: other.sid == session.sid)
    clients = [realm.clients[name] for name in sorted(session.client_ids) if name in realm.clients]
    for client in clients:
        if client.backchannel_logout_uri is not None:
            deliver(realm, client, build_logout_token(realm, client, sub=session.sub, sid=session.sid))
    about = [("iss", realm.issuer), ("sid", session.sid)]
    return [
        add_query(client.frontchannel_logout_uri, about)
        for client in clients
        if client.frontchannel_logout_uri
    ]


def build_logout_token(realm: Realm, client: Client, *, sub: str | None, sid: str | None) -> str:
    """Return a logout token.

    Spec: OpenID Connect Back-Channel Logout §2.4.
    """
    now = realm.now()
    claims: dict[str, Any] = {
        "iss": realm.issuer, "aud": client.client_id, "iat": now, "exp": now + 120,
        "jti": secrets.token_urlsafe(16), "events": {EVENT: {}},
    }  # fmt: skip
    claims |= {name: value for name, value in (("sub", sub), ("sid", sid)) if value is not None}
    honest = draft(realm.ring, client, claims, alg=client.id_token_signed_response_alg, typ="logout+jwt")
    return realm.behaviour.logout_token(honest, realm).write()


def deliver(realm: Realm, client: Client, logout_token: str) -> Delivery:
    """Send a logout token, within five seconds and without redirects or proxies.

    Spec: OpenID Connect Back-Channel Logout §2.5.
    """
    with requests.Session() as http:
        http.trust_env = False
        try:
            answer = http.post(
                client.backchannel_logout_uri or "", data={"logout_token": logout_token},
                timeout=5, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            return Delivery(client.client_id, 0, type(error).__name__)
        return Delivery(client.client_id, answer.status_code, answer.text)
