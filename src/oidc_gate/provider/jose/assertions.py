"""The tokens that the gate signs: client assertions, request objects and DPoP proofs.

All of them are short-lived and have a ``jti``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from joserfc.jws import JWSRegistry

from ...syntax.base64url import b64url_encode
from .encoding import write_json
from .private_keys import SigningKey, UnusableKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The ``client_assertion_type`` of a client assertion (RFC 7523 §2.2)."""

ASSERTION_SECONDS = 60
REQUEST_OBJECT_SECONDS = 300
MIN_JTI_BYTES = 16


def build_client_assertion(key: SigningKey, *, client_id: str, audience: str, now: int, random: bytes) -> str:
    """Build the assertion that authenticates the client (private_key_jwt, client_secret_jwt).

    Args:
        key: The result of `load_private_key`, or for client_secret_jwt of `secret_key`.
        client_id: The value of ``iss`` and ``sub``.
        audience: The provider's issuer, which FAPI 2.0 requires, or the URL of the token endpoint.
        now: The time in epoch seconds. The assertion is valid for `ASSERTION_SECONDS`.
        random: At least 16 unpredictable bytes, for ``jti``.

    Spec: RFC 7523 §3; OpenID Connect Core §9.
    """
    claims = {"iss": client_id, "sub": client_id, "aud": audience}
    lifetime = {"iat": now, "exp": now + ASSERTION_SECONDS, "jti": _jti(random)}
    return _sign(key, "JWT", {**claims, **lifetime})


def build_request_object(
    key: SigningKey, params: Mapping[str, Any], *, client_id: str, issuer: str, now: int, random: bytes
) -> str:
    """Build the signed authorization request for the parameter ``request``.

    Args:
        key: The result of `load_private_key`.
        params: The parameters of the authorization request. ``max_age`` becomes a number, and ``claims`` may be an
            object. ``request`` and ``request_uri`` are left out, because the request object must not contain them.
        client_id: The value of ``iss`` and ``client_id``.
        issuer: The provider's issuer, which is the audience.
        now: The time in epoch seconds. The object is valid for `REQUEST_OBJECT_SECONDS`.
        random: At least 16 unpredictable bytes, for ``jti``.

    Spec: RFC 9101 §4, §10.8 (no ``sub``, so that it is not accepted as a client assertion); OpenID Connect Core §6.1.
    """
    inner = {name: value for name, value in params.items() if name not in ("request", "request_uri", "sub")}
    if isinstance(max_age := inner.get("max_age"), str) and max_age.isascii() and max_age.isdecimal():
        inner["max_age"] = int(max_age)
    lifetime = {"iat": now, "nbf": now, "exp": now + REQUEST_OBJECT_SECONDS, "jti": _jti(random)}
    claims = {**inner, "iss": client_id, "client_id": client_id, "aud": issuer, **lifetime}
    return _sign(key, "oauth-authz-req+jwt", claims)


def build_dpop_proof(
    key: SigningKey,
    method: str,
    url: str,
    *,
    now: int,
    random: bytes,
    nonce: str | None = None,
    access_token: str | None = None,
) -> str:
    """Build the value of the ``DPoP`` header for one request.

    Args:
        key: An asymmetric key, the result of `build_dpop_key`. The proof contains its public key.
        method: The method of the request.
        url: The URL of the request. Its query and fragment are left out.
        now: The time in epoch seconds.
        random: At least 16 unpredictable bytes, for ``jti``.
        nonce: The nonce from the server's ``DPoP-Nonce`` header, if there is one.
        access_token: The access token of the request, if it goes to a resource such as userinfo.

    Raises:
        UnusableKey: The key is symmetric and so cannot prove possession to another party.

    Spec: RFC 9449 §4.2, §8.
    """
    if key.key.key_type == "oct":
        raise UnusableKey("a DPoP proof needs a key pair, not a secret")
    target = urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    claims: dict[str, Any] = {"jti": _jti(random), "htm": method, "htu": target, "iat": now}
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        claims["ath"] = b64url_encode(hashlib.sha256(access_token.encode("utf-8")).digest())
    return _sign(key, "dpop+jwt", claims, jwk=key.public_jwk)


def _jti(random: bytes) -> str:
    if len(random) < MIN_JTI_BYTES:
        raise UnusableKey(f"a jti needs {MIN_JTI_BYTES} random bytes")
    return b64url_encode(random)


def _sign(key: SigningKey, typ: str, claims: Mapping[str, Any], **header: Any) -> str:
    header = {"alg": key.algorithm, "typ": typ, **header}
    if key.kid is not None and "jwk" not in header:
        header["kid"] = key.kid
    message = f"{b64url_encode(write_json(header))}.{b64url_encode(write_json(claims))}"
    signature = JWSRegistry.algorithms[key.algorithm].sign(message.encode("ascii"), key.key)
    return f"{message}.{b64url_encode(signature)}"
