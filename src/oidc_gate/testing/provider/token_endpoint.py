"""The token endpoint."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from oidc_gate.syntax.base64url import b64url_encode
from oidc_gate.testing.provider.client_auth import authenticate_client
from oidc_gate.testing.provider.dpop import proven_key
from oidc_gate.testing.provider.id_token import build_id_token
from oidc_gate.testing.provider.messages import (
    NO_STORE,
    Json,
    ProtocolError,
    Received,
    Reply,
    error_reply,
    json_reply,
    single_valued,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import Grant, Realm, Token

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def token(realm: Realm, received: Received) -> Reply:
    """Answer the token endpoint.

    Spec: OpenID Connect Core §3.1.3, §12; RFC 6749 §5.
    """
    try:
        form = single_valued(received.form_pairs)
        client = authenticate_client(realm, received, form)
        realm.behaviour.before_token(realm)
        answer = _answer(realm, client, form, _dpop_key(realm, client, received))
    except ProtocolError as error:
        return error_reply(error)
    return json_reply(realm.behaviour.token_answer(answer, realm), headers=NO_STORE)


def _dpop_key(realm: Realm, client: Client, received: Received) -> str | None:
    key = proven_key(realm, received, "token")
    if key is None and client.dpop_bound_access_tokens:  # RFC 9449 §5.2
        raise ProtocolError("invalid_dpop_proof", "this client must send a DPoP proof")
    return key


def _answer(realm: Realm, client: Client, form: dict[str, str], dpop_jkt: str | None) -> Json:
    match form.get("grant_type"):
        case "authorization_code":
            return _redeem(realm, client, form, dpop_jkt)
        case "refresh_token":
            return _refresh(realm, client, form, dpop_jkt)
        case None:
            raise ProtocolError("invalid_request", "grant_type is missing")
        case _:
            raise ProtocolError(
                "unsupported_grant_type", "only authorization_code and refresh_token are supported"
            )


def _redeem(realm: Realm, client: Client, form: dict[str, str], dpop_jkt: str | None) -> Json:
    if "code" not in form:
        raise ProtocolError("invalid_request", "code is missing")
    grant = realm.codes.get(form["code"])
    if grant is None or grant.request.client_id != client.client_id:
        raise ProtocolError("invalid_grant", "the code is unknown, or belongs to another client")
    if not realm.codes.spend(form["code"])[1]:
        realm.revoke(grant)  # RFC 6749 §4.1.2: a code that is used twice has leaked, and so may its tokens
        raise ProtocolError("invalid_grant", "the code was used before; its tokens are revoked")
    if grant.expires_at <= realm.now():
        raise ProtocolError("invalid_grant", "the code has expired")
    if form.get("redirect_uri") != grant.request.redirect_uri:
        raise ProtocolError("invalid_grant", "redirect_uri is not the one of the authorization request")
    if not _proves(form.get("code_verifier", ""), grant.request.code_challenge):
        raise ProtocolError("invalid_grant", "code_verifier does not match the code_challenge")
    if grant.request.dpop_jkt not in (None, dpop_jkt):  # RFC 9449 §10
        raise ProtocolError("invalid_grant", "the code is bound to another DPoP key")
    return _tokens(realm, client, grant, grant.request.scopes, dpop_jkt, first=True)


def _proves(code_verifier: str, code_challenge: str) -> bool:
    # RFC 7636 §4.1, §4.6
    made = b64url_encode(hashlib.sha256(code_verifier.encode()).digest())
    return bool(_VERIFIER.fullmatch(code_verifier)) and hmac.compare_digest(made, code_challenge)


def _refresh(realm: Realm, client: Client, form: dict[str, str], dpop_jkt: str | None) -> Json:
    if "refresh_token" not in form:
        raise ProtocolError("invalid_request", "refresh_token is missing")
    held = realm.live(realm.refresh_tokens.get(form["refresh_token"]))
    if held is None or held.grant.request.client_id != client.client_id:
        raise ProtocolError(
            "invalid_grant", "the refresh token is unknown, expired, revoked, or belongs to another client"
        )
    if held.dpop_jkt not in (None, dpop_jkt):  # RFC 9449 §5: refresh tokens of public clients are bound
        raise ProtocolError("invalid_grant", "the refresh token is bound to another DPoP key")
    scopes = frozenset(form["scope"].split()) if "scope" in form else held.scopes
    if not scopes <= held.scopes:  # RFC 6749 §6
        raise ProtocolError("invalid_scope", "the scope exceeds what was granted")
    if not realm.refresh_tokens.spend(form["refresh_token"])[1]:
        # RFC 9700 §4.14.2: if a rotated token is used again, it was stolen.
        realm.revoke(held.grant)
        raise ProtocolError("invalid_grant", "the refresh token was used before; the grant is revoked")
    return _tokens(realm, client, held.grant, scopes, dpop_jkt, first=False)


def _tokens(
    realm: Realm, client: Client, grant: Grant, scopes: frozenset[str], dpop_jkt: str | None, *, first: bool
) -> Json:
    if grant.sub not in realm.people:
        raise ProtocolError("invalid_grant", "the user is not known any more")
    now = realm.now()
    bearer = Token(grant=grant, scopes=scopes, expires_at=now + realm.token_seconds, dpop_jkt=dpop_jkt)
    access_token = realm.access_tokens.add(bearer)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if dpop_jkt else "Bearer",
        "expires_in": realm.token_seconds,
        "scope": " ".join(sorted(scopes)),
    }
    if "openid" in scopes:
        answer["id_token"] = build_id_token(realm, client, grant, scopes, access_token, first=first)
    if "offline_access" in grant.request.scopes:
        bound = dpop_jkt if client.auth_method == "none" else None
        until = now + realm.refresh_seconds
        kept = Token(grant=grant, scopes=grant.request.scopes, expires_at=until, dpop_jkt=bound)
        answer["refresh_token"] = realm.refresh_tokens.add(kept)
    return answer
