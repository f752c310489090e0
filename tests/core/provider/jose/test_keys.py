from __future__ import annotations

import warnings
from typing import Any

import pytest
from joserfc.jwk import OKPKey, RSAKey

from oidc_gate.errors import GateError, IDTokenError, ProviderError
from oidc_gate.provider.jose.keys import (
    MAX_CANDIDATES,
    MAX_KEYS,
    KeyNotFound,
    KeySet,
    SkippedKey,
    may_have_rotated,
)
from tests.core.provider.jose.forge import b64, private_key, public_jwk


def ec(**more: Any) -> dict[str, Any]:
    return {**public_jwk(private_key("P-256")), "kid": "good", **more}


def rsa(**more: Any) -> dict[str, Any]:
    return {**public_jwk(private_key("RSA")), "kid": "good", **more}


def small_rsa() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return public_jwk(RSAKey.generate_key(1024))


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (None, "not an object"),
        ("text", "not an object"),
        ({}, "key type"),
        ({"kty": ["RSA"]}, "kty is not a string"),
        ({"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, "key type AKP"),
        ({"kty": "oct", "k": b64(b"x" * 32), "alg": "HS256"}, "key type oct"),
        ({"kty": "EC", "crv": "P-256"}, "unreadable"),
        (ec(x="AAAA"), "unreadable"),
        (ec(x="!"), "unreadable"),
        (ec(x=7), "x is not a string"),
        (ec(crv="secp256k1"), "no signature algorithm"),
        (ec(crv="P-384"), "unreadable"),
        (ec(alg="ES384"), "no signature algorithm"),
        (ec(alg="ECDH-ES", use="sig"), "no signature algorithm"),
        (ec(use="tls"), "for use tls"),
        (ec(use=["sig"]), "for use"),
        (ec(use="sig", key_ops=["encrypt"]), "key_ops"),
        (ec(key_ops=["sign", "encrypt"]), "key_ops"),
        (ec(key_ops=[["encrypt"]]), "key_ops"),
        (ec(key_ops="verify"), "key_ops"),
        (ec(d="AAAA", use="enc"), "private key"),
        (ec(kid=7), "kid is not a string"),
        (ec(kid="k" * 2049), "kid is not a string"),
        (ec(d="AAAA"), "private key"),
        (private_key("RSA").as_dict(private=True), "private key"),
        (small_rsa(), "RSA of 1024 bits"),
        (rsa(n=b64(b"\xff" * 1025)), "RSA of 8200 bits"),
        (rsa(n="%%"), "unreadable modulus"),
        (rsa(e=b64(b"\x01" * 9)), "exponent"),
        (rsa(e="AQ"), "unreadable"),
        (rsa(n=b64(b"\x01" + b"\xff" * 1024)), "RSA of 8193 bits; 2048 to 8192 are accepted"),
        (rsa(n=b64(b"\x7f" + b"\xff" * 255)), "RSA of 2047 bits; 2048 to 8192 are accepted"),
        (rsa(n=""), "RSA of 0 bits"),
        (rsa(e=""), "unreadable"),
        (rsa(n="A" * 2049), "n is not a string of at most 2048 characters"),
        *[(ec(**{name: "AAAA"}), "private key") for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")],
        *[
            (ec(key_ops=[name, "sign"]), "key_ops")
            for name in ("encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits")
        ],
        *[
            (ec(key_ops=value), "key_ops")
            for value in ({"verify": 1}, {}, "", 7, 0, True, False, "deriveKey")
        ],
        (public_jwk(OKPKey.generate_key("Ed448")), "no signature algorithm"),
    ],
)
def test_a_bad_key_is_skipped_with_its_reason_and_the_good_one_stays(member: Any, reason: str) -> None:
    keys = KeySet.from_jwks({"keys": [member, public_jwk(private_key("Ed25519"), kid="ok")]})
    assert [key.kid for key in keys.keys] == ["ok"]
    assert [skipped.position for skipped in keys.skipped] == [0]
    assert reason in keys.skipped[0].reason
    assert not keys.skipped[0].is_for_encryption


@pytest.mark.parametrize(
    "member",
    [ec(use="enc"), rsa(use="enc", alg="RSA-OAEP-256"), rsa(alg="RSA-OAEP"), ec(alg="ECDH-ES+A128KW"),
     ec(key_ops=["deriveKey", "deriveBits"]), public_jwk(OKPKey.generate_key("X25519")),
     public_jwk(OKPKey.generate_key("X448")), rsa(alg="RSA1_5"), rsa(alg="RSA-OAEP-256", use=None),
     ec(use="enc", key_ops=["verify"]), ec(key_ops=[]),
     *[ec(key_ops=[name]) for name in ("encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits")]],
)  # fmt: skip
def test_a_key_that_is_published_for_encryption_is_skipped_as_such(member: dict[str, Any]) -> None:
    keys = KeySet.from_jwks({"keys": [member]})
    assert keys.keys == ()
    assert [skipped.is_for_encryption for skipped in keys.skipped] == [True]


@pytest.mark.parametrize(
    "member",
    [ec(), ec(use="sig"), ec(key_ops=["verify"]), ec(key_ops=["verify", "unheard-of"]), ec(alg="ES256"),
     ec(kid="k" * 2048), rsa(n=b64(b"\xff" * 1024)), rsa(e=b64(b"\x01" + b"\x00" * 6 + b"\x01")),
     ec(use="sig", alg="ES256", key_ops=["sign", "verify"]), ec(use=None, key_ops=None, alg=None),
     rsa(), rsa(x5u="not a url", x5c="not a list", unknown=[1]), rsa(use=None, kid=None)],
)  # fmt: skip
def test_a_key_that_counts(member: dict[str, Any]) -> None:
    assert len(KeySet.from_jwks({"keys": [member]}).keys) == 1


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": None}, [], None, "keys"])
def test_what_is_no_jwks(document: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        KeySet.from_jwks(document)
    assert caught.value.code == "jwks_malformed"


def test_an_empty_set_has_no_keys() -> None:
    assert KeySet.from_jwks({"keys": []}).find("RS256", None) == []


def test_the_number_of_keys_is_bounded_and_said() -> None:
    keys = KeySet.from_jwks({"keys": [ec()] * (MAX_KEYS + 7)})
    assert len(keys.keys) == MAX_KEYS
    assert "107 keys" in keys.skipped[-1].reason
    assert len(keys.find("ES256", None)) == MAX_CANDIDATES


KEYS = KeySet.from_jwks(
    {"keys": [
        public_jwk(private_key("RSA"), kid="a"),
        public_jwk(private_key("RSA", 2), kid="b", alg="PS256"),
        public_jwk(private_key("P-256"), kid="a"),
        public_jwk(private_key("P-384"), kid="c"),
        public_jwk(private_key("Ed25519"), kid="d", alg="EdDSA"),
        public_jwk(private_key("RSA", 3)),
    ]}
)  # fmt: skip


@pytest.mark.parametrize(
    ("alg", "kid", "found"),
    [
        ("RS256", "a", ["a"]),
        ("RS256", "b", []),
        ("PS256", "b", ["b"]),
        ("PS256", None, ["a", "b", None]),
        ("RS512", None, ["a", None]),
        ("ES256", "a", ["a"]),
        ("ES256", None, ["a"]),
        ("ES384", "a", []),
        ("ES384", "c", ["c"]),
        ("ES512", None, []),
        ("Ed25519", "d", ["d"]),
        ("EdDSA", None, ["d"]),
        ("RS256", "unknown", []),
        ("HS256", None, []),
        ("none", None, []),
        ("unheard-of", "a", []),
    ],
)
def test_which_keys_are_tried(alg: str, kid: str | None, found: list[str | None]) -> None:
    assert [key.kid for key in KEYS.find(alg, kid)] == found


def test_what_is_said_of_the_keys_that_are_skipped() -> None:
    members = [ec(use="tls", kid="k" * 300), "text", rsa(use="enc", kid=None), ec(kid=["k"], use="enc"), ec()]
    keys = KeySet.from_jwks({"keys": members})
    assert keys.skipped == (
        SkippedKey(0, "k" * 200, "for use tls, not for signatures"),
        SkippedKey(1, "", "not an object"),
        SkippedKey(2, "nothing", "published for encryption", is_for_encryption=True),
        SkippedKey(3, "a list of 1", "published for encryption", is_for_encryption=True),
    )
    (key,) = keys.keys
    assert (key.kid, key.alg, key.kty, key.crv) == ("good", None, "EC", "P-256")
    assert repr(key) == "PublicKey(kid='good', alg=None, kty='EC', crv='P-256')"


def test_as_many_keys_as_are_read() -> None:
    keys = KeySet.from_jwks({"keys": [ec()] * MAX_KEYS})
    assert (len(keys.keys), keys.skipped) == (100, ())
    more = KeySet.from_jwks({"keys": [ec()] * (MAX_KEYS + 1)})
    assert more.keys == keys.keys
    assert more.skipped == (SkippedKey(100, "", "101 keys; only 100 are read"),)


def test_a_token_without_a_kid_is_tried_with_eight_keys() -> None:
    assert len(KeySet.from_jwks({"keys": [ec()] * 9}).find("ES256", None)) == MAX_CANDIDATES == 8


@pytest.mark.parametrize(
    ("algorithms", "has_one"),
    [(("RS256",), True), (("HS256", "none"), False), (("ES512", "RS256"), True), (("ES512",), False), ((), False)],
)  # fmt: skip
def test_whether_there_is_a_key_for_an_algorithm(algorithms: tuple[str, ...], has_one: bool) -> None:
    assert KEYS.has_key_for(algorithms) is has_one


@pytest.mark.parametrize(
    ("error", "may_be"),
    [
        (KeyNotFound("kid", expected="", got=""), True),
        (IDTokenError("signature", expected="", got=""), True),
        (IDTokenError("kid", expected="", got=""), False),
        (IDTokenError("aud", expected="", got=""), False),
        (ProviderError("provider_answer", ""), False),
    ],
)
def test_errors_that_newer_keys_may_mend(error: GateError, may_be: bool) -> None:
    assert may_have_rotated(error) is may_be
