from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import JWKRegistry

from oidc_gate.provider.jose.assertions import build_client_assertion, build_dpop_proof, build_request_object
from oidc_gate.provider.jose.private_keys import (
    SigningKey,
    UnusableKey,
    build_dpop_key,
    load_private_key,
    secret_key,
)
from tests.core.provider.jose.forge import CLIENT_ID, ISSUER, NOW, SECRET, private_key

RANDOM = bytes(range(16))
JTI = "AAECAwQFBgcICQoLDA0ODw"


def own_key(kind: str = "RSA", **more: Any) -> SigningKey:
    return load_private_key(json.dumps({**private_key(kind).as_dict(private=True), **more}))


def read(token: str, key: SigningKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verify with joserfc's own reader, as a provider would, and return header and claims."""
    registry = jws.JWSRegistry(algorithms=[key.algorithm])
    registry.max_header_length = 2048
    if key.algorithm == "EdDSA":
        with pytest.warns(Warning, match="EdDSA"):
            opened = jws.deserialize_compact(token, key.key, registry=registry)
    else:
        opened = jws.deserialize_compact(token, key.key, registry=registry)
    return opened.protected, json.loads(opened.payload)


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
def test_private_key_jwt(kind: str) -> None:
    key = own_key(kind, kid="k1")
    token = build_client_assertion(key, client_id=CLIENT_ID, audience=ISSUER, now=NOW, random=RANDOM)
    header, claims = read(token, key)
    assert header == {"alg": key.algorithm, "typ": "JWT", "kid": "k1"}
    assert claims == {
        "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": JTI,
    }  # fmt: skip


def test_client_secret_jwt() -> None:
    key = secret_key(SECRET)
    token = build_client_assertion(key, client_id=CLIENT_ID, audience=ISSUER, now=NOW, random=RANDOM)
    assert read(token, key)[0] == {"alg": "HS256", "typ": "JWT"}


def test_request_object() -> None:
    key = own_key(kid="k1")
    params = {
        "scope": "openid", "state": "s", "max_age": "300", "claims": {"id_token": {}}, "client_id": "x",
        "iss": "x", "request": "x", "request_uri": "x", "sub": "x",
    }  # fmt: skip
    token = build_request_object(key, params, client_id=CLIENT_ID, issuer=ISSUER, now=NOW, random=RANDOM)
    header, claims = read(token, key)
    assert header == {"alg": "RS256", "typ": "oauth-authz-req+jwt", "kid": "k1"}
    assert claims == {
        "scope": "openid", "state": "s", "max_age": 300, "claims": {"id_token": {}}, "client_id": CLIENT_ID,
        "iss": CLIENT_ID, "aud": ISSUER, "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": JTI,
    }  # fmt: skip


def test_dpop_proof() -> None:
    key = build_dpop_key(b"r" * 32)
    url = f"{ISSUER}/token?a=1#b"
    header, claims = read(build_dpop_proof(key, "POST", url, now=NOW, random=RANDOM), key)
    assert header == {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.public_jwk}
    assert claims == {"jti": JTI, "htm": "POST", "htu": f"{ISSUER}/token", "iat": NOW}
    assert JWKRegistry.import_key(header["jwk"]).thumbprint() == key.thumbprint


def test_dpop_proof_for_a_token_and_a_nonce() -> None:
    key = build_dpop_key(b"r" * 32)
    # RFC 9449 §7.1 gives this token and its hash.
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    proof = build_dpop_proof(key, "GET", ISSUER, now=NOW, random=RANDOM, nonce="n", access_token=token)
    claims = read(proof, key)[1]
    assert claims["nonce"] == "n"
    assert claims["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_a_kid_does_not_stand_beside_the_key_itself() -> None:
    key = own_key("P-256", kid="k1")
    assert "kid" not in read(build_dpop_proof(key, "GET", ISSUER, now=NOW, random=RANDOM), key)[0]


def test_a_secret_proves_no_possession() -> None:
    with pytest.raises(UnusableKey):
        build_dpop_proof(secret_key(SECRET), "GET", ISSUER, now=NOW, random=RANDOM)


def test_a_jti_that_could_repeat_is_refused() -> None:
    with pytest.raises(UnusableKey):
        build_client_assertion(own_key(), client_id=CLIENT_ID, audience=ISSUER, now=NOW, random=RANDOM[:15])


@pytest.mark.parametrize(
    ("max_age", "expected"), [("0", 0), (60, 60), ("soon", "soon"), ("", ""), ("-1", "-1"), ("\u0663", "\u0663")]
)  # fmt: skip
def test_max_age_becomes_a_number(max_age: object, expected: object) -> None:
    key = secret_key(SECRET)
    params = {"max_age": max_age}
    token = build_request_object(key, params, client_id=CLIENT_ID, issuer=ISSUER, now=NOW, random=RANDOM)
    assert read(token, key)[1]["max_age"] == expected


def test_a_request_object_without_max_age() -> None:
    key = secret_key(SECRET)
    token = build_request_object(key, {}, client_id=CLIENT_ID, issuer=ISSUER, now=NOW, random=RANDOM)
    assert read(token, key) == (
        {"alg": "HS256", "typ": "oauth-authz-req+jwt"},
        {
            "iss": CLIENT_ID, "client_id": CLIENT_ID, "aud": ISSUER, "iat": NOW, "nbf": NOW, "exp": NOW + 300,
            "jti": JTI,
        },
    )  # fmt: skip
