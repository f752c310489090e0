"""The ID token and the userinfo answer: what is said about the person, and how it is sealed."""

from __future__ import annotations

from dataclasses import replace

from oidc_gate.testing.provider.messages import (
    NO_STORE,
    Json,
    ProtocolError,
    Received,
    Reply,
    error_reply,
    json_reply,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import Grant, Realm, Token
from oidc_gate.testing.provider.tokens import draft, encryption_for, left_half_hash


def build_id_token(
    realm: Realm, client: Client, grant: Grant, scopes: frozenset[str], access_token: str, *, first: bool
) -> str:
    """Write the ID token of one grant; the first carries a nonce, a refreshed one does not.

    Spec: OpenID Connect Core §2, §3.1.3.6, §12.2.
    """
    alg = client.id_token_signed_response_alg
    claims = _about_the_event(realm, client, grant)
    claims["at_hash"] = left_half_hash(alg, access_token)
    if first and grant.request.nonce is not None:
        claims["nonce"] = grant.request.nonce
    if realm.claims_in_id_token:
        claims = realm.people[grant.sub].claims_for(scopes) | claims
    if not first:
        claims = realm.behaviour.refresh_claims(claims, realm)
    honest = replace(draft(realm.ring, client, claims, alg=alg), envelope=encryption_for(client))
    ready = realm.behaviour.id_token(honest, realm)
    if realm.tamper is not None:
        claims, header = realm.tamper(dict(ready.claims), dict(ready.header))
        ready = replace(ready, claims=claims, header=header)
    return ready.write()


def _about_the_event(realm: Realm, client: Client, grant: Grant) -> Json:
    now = realm.now()
    claims: Json = {
        "iss": realm.issuer, "sub": grant.sub, "aud": client.client_id, "exp": now + 300, "iat": now,
        "auth_time": grant.auth_time, "sid": grant.sid,
    }  # fmt: skip
    if grant.request.acr_values:
        # OpenID Connect Core §3.1.2.1: a voluntary claim; "0" is less than any level asked for (§2)
        reached = [acr for acr in grant.request.acr_values if acr in realm.acr_values]
        claims["acr"] = reached[0] if reached else "0"
        claims["amr"] = ["user"]  # RFC 8176 §2: somebody pressed a button
    return claims


def userinfo(realm: Realm, received: Received) -> Reply:
    """Answer the userinfo endpoint.

    Spec: OpenID Connect Core §5.3; RFC 6750 §2, §3.
    """
    try:
        held = _bearer(realm, received)
    except ProtocolError as error:
        return error_reply(error)
    client = realm.clients[held.grant.request.client_id]
    said = realm.behaviour.userinfo(realm.people[held.grant.sub].claims_for(held.scopes), realm)
    alg = realm.behaviour.signs_userinfo or client.userinfo_signed_response_alg
    if alg is None:
        return json_reply(said, headers=NO_STORE)
    said = {**said, "iss": realm.issuer, "aud": client.client_id}  # OpenID Connect Core §5.3.2
    honest = draft(realm.ring, client, said, alg=alg)
    signed = realm.behaviour.userinfo_token(honest, realm).write()
    return Reply(200, signed.encode(), "application/jwt", NO_STORE)


def _bearer(realm: Realm, received: Received) -> Token:
    scheme, _, value = received.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise ProtocolError(
            "invalid_request", "no bearer token", status=401, headers=(("WWW-Authenticate", "Bearer"),)
        )
    held = realm.live(realm.access_tokens.get(value.strip()))
    challenge = 'Bearer error="{}"'
    if held is None or held.grant.sub not in realm.people:
        refused = (("WWW-Authenticate", challenge.format("invalid_token")),)
        raise ProtocolError("invalid_token", "unknown, expired or revoked", status=401, headers=refused)
    if "openid" not in held.scopes:
        refused = (("WWW-Authenticate", challenge.format("insufficient_scope")),)
        raise ProtocolError("insufficient_scope", "openid was not granted", status=403, headers=refused)
    return held
