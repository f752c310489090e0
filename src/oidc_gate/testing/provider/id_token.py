"""The ID token."""

from __future__ import annotations

from dataclasses import replace

from oidc_gate.testing.provider.messages import (
    Json,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import Grant, Realm
from oidc_gate.testing.provider.tokens import draft, encryption_for, left_half_hash


def build_id_token(
    realm: Realm, client: Client, grant: Grant, scopes: frozenset[str], access_token: str, *, first: bool
) -> str:
    """Return the ID token of a grant. The first one has a nonce, a refreshed one has none.

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
        # OpenID Connect Core §3.1.2.1: a voluntary claim; "0" is lower than any requested level (§2).
        reached = [acr for acr in grant.request.acr_values if acr in realm.acr_values]
        claims["acr"] = reached[0] if reached else "0"
        claims["amr"] = ["user"]  # RFC 8176 §2: a user pressed a button
    return claims
