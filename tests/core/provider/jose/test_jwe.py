from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwe

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.private_keys import DecryptionKey, load_decryption_key
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import (
    CLIENT_ID,
    ISSUER,
    b64,
    claims,
    encrypt,
    private_key,
    sign,
)


def ours(kind: str) -> DecryptionKey:
    return load_decryption_key(json.dumps(private_key(kind, 1).as_dict(private=True)))


def validate(token: str, kind: str | None = "RSA") -> str:
    key = ours(kind) if kind else None
    return str(forge.check_id_token(token, decryption_key=key).claims["sub"])


def fault(token: str, kind: str | None = "RSA") -> str:
    with pytest.raises(IDTokenError) as caught:
        validate(token, kind)
    return caught.value.claim


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256"])
@pytest.mark.parametrize(
    ("kind", "alg"),
    [("RSA", "RSA-OAEP"), ("RSA", "RSA-OAEP-256"), ("P-256", "ECDH-ES"), ("P-384", "ECDH-ES+A128KW"),
     ("P-521", "ECDH-ES+A256KW"), ("X25519", "ECDH-ES")],
)  # fmt: skip
def test_encrypted_to_us(kind: str, alg: str, enc: str) -> None:
    token = encrypt(sign(claims()), alg, enc, private_key(kind, 1))
    assert validate(token, kind)
    assert fault(encrypt(sign(claims()), alg, enc, private_key(kind, 2)), kind) == "encryption"


def test_once_encryption_is_registered_a_token_that_is_only_signed_is_refused() -> None:
    assert fault(sign(claims())) == "encryption"


def test_an_encrypted_token_without_a_key_of_ours_is_refused() -> None:
    assert fault(encrypt(sign(claims())), None) == "format"


def test_the_signature_inside_is_checked() -> None:
    head, payload, _ = sign(claims()).split(".")
    assert fault(encrypt(f"{head}.{payload}.AAAA")) == "signature"
    assert fault(encrypt(f"{b64(b'{}')}.{payload}.")) == "alg"


@pytest.mark.parametrize("inside", [json.dumps(claims()), "", "a.b.c.d", encrypt(sign(claims())), "é.b.c"])
def test_what_is_inside_is_a_signed_token(inside: str) -> None:
    assert fault(encrypt(inside)) in ("format", "header", "encryption")


@pytest.mark.parametrize(
    "alg", ["RSA1_5", "dir", "A128KW", "PBES2-HS256+A128KW", "ECDH-ES", ["RSA-OAEP"], None]
)
def test_key_management_that_is_refused(alg: Any) -> None:
    header = b64(json.dumps({"alg": alg, "enc": "A256GCM", "p2c": 1_000_000, "p2s": "AAAA"}).encode())
    assert fault(f"{header}.AAAA.AAAA.AAAA.AAAA") == "alg"


def test_rsa1_5_is_refused_though_it_would_decrypt() -> None:
    registry = jwe.JWERegistry(algorithms=["RSA1_5", "A256GCM"])
    with pytest.warns(Warning, match="RSA1_5"):
        token = jwe.encrypt_compact(
            {"alg": "RSA1_5", "enc": "A256GCM"}, sign(claims()), private_key("RSA", 1), registry=registry
        )
    assert fault(token) == "alg"


@pytest.mark.parametrize("enc", ["A192CBC-HS384", "A256CBC-HS512", "A192GCM"])
def test_content_encryption_that_is_refused(enc: str) -> None:
    assert fault(encrypt(sign(claims()), enc=enc)) == "enc"


def test_a_zip_bomb_is_not_unpacked() -> None:
    assert fault(encrypt(sign(claims()), zip="DEF")) == "zip"


def test_an_alg_in_our_own_key_narrows_what_it_takes() -> None:
    jwk = {**private_key("RSA", 1).as_dict(private=True), "alg": "RSA-OAEP-256"}
    with pytest.raises(IDTokenError) as caught:
        forge.check_id_token(encrypt(sign(claims())), decryption_key=load_decryption_key(json.dumps(jwk)))
    assert caught.value.claim == "alg"


@pytest.mark.parametrize(
    ("parameter", "value"), [("crit", ["exp"]), ("jku", "https://evil.example.com"), ("jwk", {})]
)
def test_the_header_of_the_envelope_is_judged_alike(parameter: str, value: Any) -> None:
    header = b64(json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM", parameter: value}).encode())
    assert fault(f"{header}.AAAA.AAAA.AAAA.AAAA") == parameter


def test_claims_repeated_in_the_header_are_the_same_ones() -> None:
    assert validate(encrypt(sign(claims()), iss=ISSUER, aud=CLIENT_ID))
    assert fault(encrypt(sign(claims()), iss="https://evil.example.com")) == "iss"
    assert fault(encrypt(sign(claims()), sub="root")) == "sub"
    assert fault(encrypt(sign(claims()), aud="other")) == "aud"


@pytest.mark.parametrize(
    "epk", [None, {}, 7, {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, {"kty": "oct"}]
)
def test_an_ephemeral_key_of_any_kind(epk: Any) -> None:
    header = b64(json.dumps({"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}).encode())
    assert fault(f"{header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", "P-256") == "encryption"


def test_an_encrypted_token_may_be_as_long_as_one_that_is_only_signed() -> None:
    """A user in 5,000 groups: see `MAX_TOKEN_CHARS`."""
    groups = [f"{number:036}" for number in range(5000)]
    token = encrypt(sign(claims(groups=groups)))
    assert 260_000 < len(token) < 393_216
    assert validate(token)


def test_an_encrypted_token_with_a_long_header() -> None:
    assert validate(encrypt(sign(claims()), x5c=["x" * 12_000]))
    assert fault(encrypt(sign(claims()), x5c=["x" * 12_288])) == "header"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (
            {"alg": "dir", "enc": "A256GCM"},
            "alg: expected 'RSA-OAEP or RSA-OAEP-256', got 'dir'",
        ),
        (
            {"alg": "RSA-OAEP", "enc": "A192GCM"},
            "enc: expected 'A128GCM or A256GCM or A128CBC-HS256', got 'A192GCM'",
        ),
        (
            {"alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF"},
            "zip: expected 'no compression', got 'DEF'",
        ),
        (
            {"alg": "RSA-OAEP", "enc": "A256GCM"},
            "encryption: expected 'a token encrypted to our key', got 'one that does not decrypt'",
        ),
    ],
)
def test_what_is_said_of_a_token_that_does_not_decrypt(header: dict[str, str], detail: str) -> None:
    with pytest.raises(IDTokenError) as caught:
        validate(f"{b64(json.dumps(header).encode())}.AAAA.AAAA.AAAA.AAAA")
    assert caught.value.detail == f"id_token: {detail}"
