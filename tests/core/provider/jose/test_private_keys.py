from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc.jwk import OctKey, OKPKey, RSAKey

from oidc_gate.provider.jose.private_keys import (
    SigningKey,
    UnusableKey,
    build_dpop_key,
    load_decryption_key,
    load_private_key,
    secret_key,
)
from tests.core.provider.jose.forge import SECRET, private_key


def pem(kind: str, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    native: Any = private_key(kind).raw_value
    return str(native.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


def jwk(kind: str, **more: Any) -> str:
    return json.dumps({**private_key(kind).as_dict(private=True), **more})


def public_pem() -> str:
    key = private_key("RSA")
    assert not isinstance(key, OctKey)
    return key.as_pem().decode()


def reason(text: str, supported: tuple[str, ...] = ()) -> str:
    with pytest.raises(UnusableKey) as caught:
        load_private_key(text, supported)
    assert caught.value.code == "unusable_key"
    return caught.value.detail


@pytest.mark.parametrize("write", [pem, jwk])
@pytest.mark.parametrize(
    ("kind", "supported", "algorithm"),
    [
        ("RSA", (), "RS256"),
        ("RSA", ("RS256", "PS256", "ES256"), "PS256"),
        ("RSA", ("RS256", "ES256"), "RS256"),
        ("RSA", ("RS512",), "RS512"),
        ("P-256", (), "ES256"),
        ("P-384", (), "ES384"),
        ("P-521", ("ES512", "RS256"), "ES512"),
        ("Ed25519", (), "EdDSA"),
        ("Ed25519", ("Ed25519",), "Ed25519"),
    ],
)
def test_the_algorithm_goes_by_the_key_and_by_what_the_provider_takes(
    write: Any, kind: str, supported: tuple[str, ...], algorithm: str
) -> None:
    key = load_private_key(f"\n{write(kind)}\n", supported)
    assert (key.algorithm, key.kid) == (algorithm, None)
    assert key.thumbprint == private_key(kind).thumbprint()


RSA_PREFERENCE = ("PS256", "RS256", "PS384", "RS384", "PS512", "RS512")


@pytest.mark.parametrize(("kind", "order"), [("RSA", RSA_PREFERENCE), ("Ed25519", ("EdDSA", "Ed25519"))])
def test_which_of_the_supported_algorithms_is_preferred(kind: str, order: tuple[str, ...]) -> None:
    for position, algorithm in enumerate(order):
        supported = ("HS256", "none", *reversed(order[position:]))
        assert load_private_key(pem(kind), supported).algorithm == algorithm


@pytest.mark.parametrize(
    ("own", "given", "expected"),
    [
        ({}, {}, ("RS256", None)),
        ({"alg": "PS512", "kid": "own"}, {}, ("PS512", "own")),
        ({"alg": "PS512", "kid": "own"}, {"alg": "PS384", "kid": "given"}, ("PS384", "given")),
        ({}, {"alg": "PS384", "kid": "given"}, ("PS384", "given")),
        ({"alg": "PS512", "kid": "own"}, {"alg": "PS384"}, ("PS384", "own")),
        ({"alg": "PS512", "kid": "own"}, {"kid": "given"}, ("PS512", "given")),
    ],
)
def test_settings_take_the_place_of_what_the_jwk_says(
    own: dict[str, str], given: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    key = load_private_key(jwk("RSA", **own), **given)
    assert (key.algorithm, key.kid) == expected


def test_an_rsa_jwk_without_its_primes() -> None:
    whole = json.loads(jwk("RSA"))
    text = json.dumps({name: whole[name] for name in ("kty", "n", "e", "d")})
    assert load_private_key(text).thumbprint == private_key("RSA").thumbprint()


def test_a_text_of_any_length_up_to_the_bound() -> None:
    assert "neither PEM" in reason("x" * 65_536)
    assert reason("x" * 65_537) == "longer than 65536 characters"
    assert load_private_key(pem("P-256") + " " * 70_000).algorithm == "ES256"


def test_a_key_is_read_once() -> None:
    text = pem("RSA")
    assert load_private_key(text).key is load_private_key(text, ("PS256",)).key


def test_older_pem_is_read_too() -> None:
    assert load_private_key(pem("RSA", PrivateFormat.TraditionalOpenSSL)).algorithm == "RS256"
    assert load_private_key(pem("P-256", PrivateFormat.TraditionalOpenSSL)).algorithm == "ES256"


def test_a_jwk_names_its_own_algorithm_and_kid() -> None:
    key = load_private_key(jwk("RSA", alg="PS512", kid="mine", use="sig", unknown=1, x5u="not a url"))
    assert (key.algorithm, key.kid) == ("PS512", "mine")
    assert load_private_key(jwk("Ed25519", alg="Ed25519")).algorithm == "Ed25519"
    assert load_private_key(jwk("Ed25519", alg="EdDSA"), ("Ed25519",)).algorithm == "Ed25519"


def weak_rsa() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RSAKey.generate_key(1024).as_pem(private=True).decode()


def of(native: Any, encryption: Any = None) -> str:
    form = PrivateFormat.PKCS8
    return str(native.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither PEM"),
        ("/etc/oidc/key.pem", "neither PEM"),
        ("x" * 70_000, "longer than"),
        ("{", "not valid JSON"),
        ('{"kty":"\udcff"}', "key type ?;"),
        ('{"a":1,"a":2}', "not valid JSON"),
        ("{" + '"a":{' * 5000, "not valid JSON"),
        ('{"keys":[]}', "JWK Set"),
        ('{"kty":"oct","k":"AAAA"}', "key type oct"),
        ('{"kty":["RSA"]}', "key type a list"),
        (jwk("RSA").replace('"d":', '"no":'), "public half"),
        (jwk("RSA").replace('"p":', '"no":'), "cannot be read"),
        (jwk("P-256", d="!"), "cannot be read"),
        (jwk("P-256", d=7), "cannot be read"),
        (jwk("P-256", crv="secp256k1"), "curve secp256k1"),
        (jwk("P-256", use="enc"), "use is enc"),
        (jwk("P-256", alg=7), "not a string"),
        (jwk("P-256", kid=7), "not a string"),
        (jwk("P-256", alg="ES384"), "alg is ES384"),
        (jwk("RSA", alg="none"), "alg is none"),
        (jwk("X25519"), "cannot sign"),
        (pem("X25519"), "cannot sign"),
        (public_pem(), "public half"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\n\ud800\n-----END PRIVATE KEY-----", "cannot be read"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "OpenSSH"),
        (of(private_key("RSA").raw_value, BestAvailableEncryption(b"pw")), "passphrase"),
        (of(ec.generate_private_key(ec.SECP256K1())), "not supported"),
        (of(dsa.generate_private_key(2048)), "not supported"),
        (of(OKPKey.generate_key("Ed448").raw_value), "not supported"),
        (weak_rsa(), "RSA of 1024 bits"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_work_says_why(text: str, words: str) -> None:
    found = reason(text)
    assert words in found
    assert "AAAA" not in found


def test_a_provider_that_takes_nothing_of_what_the_key_can() -> None:
    assert "the provider accepts ES256" in reason(pem("RSA"), ("ES256",))
    assert "the provider accepts PS256" in reason(jwk("RSA", alg="RS256"), ("PS256",))


def test_nothing_secret_in_a_repr() -> None:
    key = load_private_key(jwk("P-256", kid="k"))
    assert repr(key) == "SigningKey(algorithm='ES256', kid='k')"
    assert set(key.public_jwk) == {"kty", "crv", "x", "y"}
    assert set(load_private_key(pem("RSA")).public_jwk) == {"kty", "n", "e"}
    assert "key=" not in repr(load_decryption_key(jwk("P-256")))


def test_a_key_that_decrypts_has_its_kid() -> None:
    assert load_decryption_key(jwk("P-256", kid="mine")).kid == "mine"


@pytest.mark.parametrize(
    ("text", "algorithms"),
    [
        (jwk("RSA"), ("RSA-OAEP", "RSA-OAEP-256")),
        (pem("RSA"), ("RSA-OAEP", "RSA-OAEP-256")),
        (jwk("RSA", alg="RSA-OAEP", use="enc"), ("RSA-OAEP",)),
        (pem("P-256"), ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")),
        (pem("X25519"), ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")),
    ],
)
def test_keys_that_decrypt(text: str, algorithms: tuple[str, ...]) -> None:
    assert load_decryption_key(text).algorithms == algorithms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (pem("Ed25519"), "can only sign"),
        (jwk("RSA", use="sig"), "use is sig"),
        (jwk("RSA", alg="RSA1_5"), "alg is RSA1_5"),
        (jwk("P-256", alg="RSA-OAEP"), "alg is RSA-OAEP"),
    ],
)
def test_keys_that_do_not_decrypt(text: str, words: str) -> None:
    with pytest.raises(UnusableKey) as caught:
        load_decryption_key(text)
    assert words in caught.value.detail


def test_a_client_secret_as_a_key() -> None:
    assert secret_key(SECRET).algorithm == "HS256"
    assert SECRET not in repr(secret_key(SECRET))
    for bad in ("", "x" * 31, public_pem()):
        with pytest.raises(UnusableKey) as caught:
            secret_key(bad)
        assert "BEGIN" not in caught.value.detail


def test_a_dpop_key_is_made_of_its_random_bytes() -> None:
    key = build_dpop_key(b"r" * 32)
    assert isinstance(key, SigningKey)
    assert key.thumbprint == build_dpop_key(b"r" * 32).thumbprint != build_dpop_key(b"s" * 32).thumbprint
    with pytest.raises(UnusableKey):
        build_dpop_key(b"r" * 31)


def test_the_shortest_client_secret() -> None:
    for secret in ("x" * 32, "\u00e4" * 16, "\ud800" * 11):
        octets = secret.encode("utf-8", "surrogatepass")
        assert secret_key(secret).key.raw_value == octets
    with pytest.raises(UnusableKey) as caught:
        secret_key("x" * 31)
    assert caught.value.detail == "HS256 needs a client secret of 32 octets; this one has 31"
    assert (caught.value.code, caught.value.status) == ("unusable_key", 500)
    assert caught.value.public_message == "The gate has a key that it cannot use."


def test_a_dpop_key_is_the_same_in_every_release() -> None:
    """Processes of two releases serve one sign-in while one of them is replaced."""
    assert build_dpop_key(b"r" * 32).thumbprint == "HynYTkSHqABeXIFx-DyHJ6t2-fvP6bV2Yw3aUSkqyc0"
