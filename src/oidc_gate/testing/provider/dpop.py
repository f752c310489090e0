"""The validation of DPoP proofs."""

from __future__ import annotations

import hashlib
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from oidc_gate.syntax.base64url import b64url_encode
from oidc_gate.testing.provider.client_auth import peek, verify_jws
from oidc_gate.testing.provider.messages import ProtocolError, Received
from oidc_gate.testing.provider.people import SIGNING_ALGORITHMS
from oidc_gate.testing.provider.realm import Realm

ALGORITHMS = tuple(alg for alg in SIGNING_ALGORITHMS if not alg.startswith("HS"))
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
_FRESH_SECONDS = 300


def proven_key(
    realm: Realm, received: Received, endpoint: str, *, access_token: str | None = None
) -> str | None:
    """Validate the DPoP proof of a request.

    Returns:
        The thumbprint of the key, or None if the request has no proof.

    Raises:
        ProtocolError: `invalid_dpop_proof`, or `use_dpop_nonce` with the nonce in `DPoP-Nonce`.

    Spec: RFC 9449 §4.3, §7, §8.
    """
    proof = received.headers.get("dpop")
    if proof is None:
        return None
    try:
        header, claims = peek(proof)
    except ProtocolError:
        raise _bad("it is not a signed JWT") from None
    thumbprint = _signing_key(proof, header)
    _check_claims(realm, received, f"{realm.issuer}/{endpoint}", claims)
    if access_token is not None and claims.get("ath") != b64url_encode(
        hashlib.sha256(access_token.encode()).digest()
    ):
        raise _bad("its ath is not the hash of the access token")
    if realm.dpop_nonce is not None and claims.get("nonce") != realm.dpop_nonce:
        nonce = (("DPoP-Nonce", realm.dpop_nonce),)
        raise ProtocolError("use_dpop_nonce", "the proof must have the provider's nonce", headers=nonce)
    if not realm.is_first_jti(f"dpop {thumbprint}", claims["jti"]):
        raise _bad("its jti was used before")
    return thumbprint


def _signing_key(proof: str, header: dict[str, Any]) -> str:
    jwk, alg = header.get("jwk"), header.get("alg")
    if header.get("typ") != "dpop+jwt" or alg not in ALGORITHMS:
        raise _bad("its typ is not dpop+jwt, or its alg is not asymmetric")
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys():
        raise _bad("its jwk is missing, or not public")
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, KeyError):
        raise _bad("its jwk cannot be read") from None
    if not verify_jws(proof, [key], alg):
        raise _bad("its signature is not by its jwk")
    return key.thumbprint()


def _check_claims(realm: Realm, received: Received, htu: str, claims: dict[str, Any]) -> None:
    if claims.get("htm") != received.method or str(claims.get("htu")).partition("?")[0] != htu:
        raise _bad("its htm and htu are not this request")
    iat = claims.get("iat")
    if not isinstance(iat, int) or abs(realm.now() - iat) > _FRESH_SECONDS:
        raise _bad("its iat is not now")
    if not isinstance(claims.get("jti"), str):
        raise _bad("it has no jti")


def _bad(reason: str) -> ProtocolError:
    return ProtocolError("invalid_dpop_proof", f"the DPoP proof is refused: {reason}")
