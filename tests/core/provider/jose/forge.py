"""A provider's hands for these tests: keys made once, tokens written by hand, right ones and wrong ones."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from functools import cache
from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from oidc_gate.provider.jose.id_token import Expectations, ValidIDToken, validate_id_token
from oidc_gate.provider.jose.keys import KeySet
from oidc_gate.provider.jose.recipient import Recipient

NOW = 1_790_000_000
ISSUER = "https://op.example.com"
CLIENT_ID = "gate"
NONCE = "n-0S6_WzA2Mj"
SECRET = "a client secret of more than 32 octets"
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}


def private_key(kind: str = "RSA", which: int = 0) -> Key:
    """The key of that kind and number, the same one whenever it is asked for."""
    return _made_once(kind, which)


@cache
def _made_once(kind: str, which: int) -> Key:
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    if kind in ("Ed25519", "X25519"):
        return OKPKey.generate_key(kind)  # type: ignore[arg-type]
    return ECKey.generate_key(kind)


def key_for(alg: str) -> Key:
    return private_key(CURVES.get(alg, "RSA"))


def public_jwk(key: Key, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


@cache
def key_set() -> KeySet:
    kinds = ("RSA", "P-256", "P-384", "P-521", "Ed25519")
    return KeySet.from_jwks({"keys": [public_jwk(private_key(kind), kid=kind) for kind in kinds]})


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good ID token; a change to ... takes one out."""
    good = {
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT_ID,
        "nonce": NONCE,
        "iat": NOW,
        "exp": NOW + 300,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def logout_claims(**changes: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER, "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": "bWJq", "sub": "248289761001",
        "sid": "08a5019c", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def sign_raw(header: bytes, payload: bytes, alg: str = "RS256", key: Key | None = None) -> str:
    message = f"{b64(header)}.{b64(payload)}"
    signature = JWSRegistry.algorithms[alg].sign(message.encode(), key or key_for(alg))
    return f"{message}.{b64(signature)}"


def sign(payload: dict[str, Any], alg: str = "RS256", key: Key | None = None, **header: Any) -> str:
    """A token signed with `alg`; a parameter of ... is left out, and `header_alg` lies about ``alg``."""
    kid = "RSA" if alg[:2] in ("RS", "PS") else CURVES.get(alg, ...)
    whole = {"alg": header.pop("header_alg", alg), "kid": kid, **header}
    whole = {name: value for name, value in whole.items() if value is not ...}
    return sign_raw(json.dumps(whole).encode(), json.dumps(payload).encode(), alg, key)


def hmac_key(secret: bytes) -> OctKey:
    """An HMAC key of any bytes, a public key's too, as an attacker's own library would take it."""
    return OctKey(secret, secret)


def encrypt(
    token: str, alg: str = "RSA-OAEP", enc: str = "A256GCM", key: Key | None = None, **header: Any
) -> str:
    registry = jwe.JWERegistry(algorithms=[alg, enc, "DEF"], strict_check_header=False)
    whole = {"alg": alg, "enc": enc, "cty": "JWT", **header}
    return jwe.encrypt_compact(whole, token, key or private_key("RSA", 1), registry=registry)


def expecting(**changes: Any) -> Expectations:
    return Expectations(**{"nonce": NONCE, **changes})


def recipient(**changes: Any) -> Recipient:
    good: dict[str, Any] = {"issuer": ISSUER, "client_id": CLIENT_ID, "algorithms": ALGORITHMS, "now": NOW}
    return Recipient(**{"keys": key_set(), **good, **changes})


def check_id_token(token: str, **changes: Any) -> ValidIDToken:
    """Validate a token; `changes` are those of `recipient` and of `expecting`."""
    expected = {
        field.name: changes.pop(field.name) for field in fields(Expectations) if field.name in changes
    }
    return validate_id_token(token, recipient(**changes), expecting(**expected))
