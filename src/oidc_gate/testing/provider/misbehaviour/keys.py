"""Faults of the key set."""

from __future__ import annotations

from dataclasses import replace

from oidc_gate.syntax.base64url import b64url_encode
from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.keys import family, generate, published, secret_key, signer
from oidc_gate.testing.provider.messages import Json
from oidc_gate.testing.provider.misbehaviour.claims import Play
from oidc_gate.testing.provider.misbehaviour.signing import unpublished
from oidc_gate.testing.provider.realm import Behaviour, Realm
from oidc_gate.testing.provider.tokens import Draft

_UNREADABLE: list[Json] = [
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off-the-curve", "use": "sig"},
    {"kty": "RSA", "kid": "no-numbers", "use": "sig"},
    {"kty": "from-the-future", "kid": "future", "use": "sig"},
    {"kty": "EC", "crv": "P-9999", "x": "AA", "y": "AA", "kid": "unknown-curve"},
    {"kid": "no-kty"},
]


def _rotating(*, keep_old: bool, same_kid: bool = False) -> Play:
    def rotate(realm: Realm) -> None:
        realm.ring.rotate(keep_old=keep_old, same_kid=same_kid)

    return lambda: Behaviour(before_token=rotate)


def _without_kid(given: Draft, realm: Realm) -> Draft:
    return given.headed(kid=None)


def _one_key(said: Json, realm: Realm) -> Json:
    """Publish only the keys with which the clients' tokens are signed."""
    algs = {client.id_token_signed_response_alg for client in realm.clients.values()}
    used = {realm.ring.current(alg)[0] for alg in algs if not alg.startswith("HS")}
    return {"keys": [key for key in said["keys"] if key["kid"] in used]}


def _unknown_keys_first(said: Json, realm: Realm) -> Json:
    algs = {client.id_token_signed_response_alg for client in realm.clients.values()}
    kinds = {family(alg) for alg in algs} - {"oct"}
    unknown_keys = [published(f"stranger-{kind}", generate(kind)) for kind in sorted(kinds)]
    return {"keys": [*unknown_keys, *said["keys"]]}


def _symmetric() -> Behaviour:
    secret = "published-for-anyone-to-sign-with"

    def list_it(said: Json, realm: Realm) -> Json:
        return {"keys": [*said["keys"], {"kty": "oct", "k": b64url_encode(secret.encode()), "kid": "oct"}]}

    def sign_with_it(given: Draft, realm: Realm) -> Draft:
        return replace(given.headed(alg="HS256", kid="oct"), sign=signer("HS256", secret_key(secret)))

    return Behaviour(jwks=list_it, id_token=sign_with_it)


PLAYS: dict[Fault, Play] = {
    Fault.KID_ABSENT: lambda: Behaviour(jwks=_one_key, id_token=_without_kid),
    Fault.KID_ABSENT_SEVERAL_KEYS: lambda: Behaviour(jwks=_unknown_keys_first, id_token=_without_kid),
    Fault.ROTATED_BEFORE_SIGNING: _rotating(keep_old=True),
    Fault.ROTATED_WITHOUT_OLD_KEYS: _rotating(keep_old=False),
    Fault.SAME_KID_NEW_KEY: _rotating(keep_old=False, same_kid=True),
    Fault.ROTATED_UNPUBLISHED: lambda: Behaviour(id_token=unpublished),
    Fault.JWKS_WITH_UNREADABLE_KEY: lambda: Behaviour(
        jwks=lambda said, realm: {"keys": [*_UNREADABLE, *said["keys"]]}
    ),
    Fault.JWKS_EMPTY: lambda: Behaviour(jwks=lambda said, realm: {"keys": []}),
    Fault.JWKS_NOT_A_SET: lambda: Behaviour(jwks=lambda said, realm: said["keys"]),
    Fault.JWKS_WITH_SECRET: _symmetric,
}
