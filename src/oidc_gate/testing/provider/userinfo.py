"""The userinfo endpoint."""

from __future__ import annotations

from oidc_gate.testing.provider.dpop import proven_key
from oidc_gate.testing.provider.messages import (
    NO_STORE,
    Headers,
    ProtocolError,
    Received,
    Reply,
    error_reply,
    json_reply,
)
from oidc_gate.testing.provider.realm import Realm, Token
from oidc_gate.testing.provider.tokens import draft


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
    scheme, value = scheme.lower(), value.strip()
    if scheme not in ("bearer", "dpop") or not value:
        challenges = (("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", "DPoP"))
        raise ProtocolError(
            "invalid_request", "no access token in the header", status=401, headers=challenges
        )
    held = realm.live(realm.access_tokens.get(value))
    if (
        held is None
        or held.grant.sub not in realm.people
        or (held.dpop_jkt is not None) is not (scheme == "dpop")
    ):
        raise _refused(scheme, "invalid_token", 401)
    if held.dpop_jkt is not None and held.dpop_jkt != _key(realm, received, value):
        raise _refused(scheme, "invalid_dpop_proof", 401)
    if "openid" not in held.scopes:
        raise _refused(scheme, "insufficient_scope", 403)
    return held


def _key(realm: Realm, received: Received, access_token: str) -> str | None:
    try:
        return proven_key(realm, received, "userinfo", access_token=access_token)
    except ProtocolError as error:
        raise _refused("dpop", error.error, 401, error.headers) from None


def _refused(scheme: str, error: str, status: int, headers: Headers = ()) -> ProtocolError:
    challenge = f'{"DPoP" if scheme == "dpop" else "Bearer"} error="{error}"'
    return ProtocolError(
        error,
        "the access token is refused",
        status=status,
        headers=(("WWW-Authenticate", challenge), *headers),
    )
