"""The gate's own keys from the settings, which sign requests and decrypt tokens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, JWKRegistry, Key, OctKey, OKPKey, RSAKey

from oidc_gate.errors import GateError

from .algorithms import SIGNATURE_ALGORITHMS, same_algorithm
from .encoding import describe_value, read_json_object

MIN_SECRET_OCTETS = 32
_MAX_TEXT_CHARS = 65_536
_MEMBERS = {
    "RSA": ("n", "e", "d", "p", "q", "dp", "dq", "qi"),
    "EC": ("crv", "x", "y", "d"),
    "OKP": ("crv", "x", "d"),
}
# If the provider lists its algorithms, PSS is preferred. If it does not, RS256 is used, which every provider accepts.
_PREFERENCE = (
    "PS256",
    "RS256",
    "ES256",
    "EdDSA",
    "Ed25519",
    "PS384",
    "ES384",
    "RS384",
    "PS512",
    "ES512",
    "RS512",
)
_DEFAULT = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_DECRYPTION = {
    "RSA": ("RSA-OAEP", "RSA-OAEP-256"),
    "EC": ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"),
    "OKP": ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"),
}


class UnusableKey(GateError):
    """A key in the settings that cannot be used. `detail` gives the reason to the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__("unusable_key", "The gate has a key that it cannot use.", detail=reason)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key or a secret, with the algorithm that it signs with.

    Args:
        kid: The ``kid`` of the JWK. A PEM file has none; with an invented one, some providers would not find the key.
    """

    algorithm: str
    key: Key = field(repr=False)
    kid: str | None = None

    @property
    def public_jwk(self) -> dict[str, Any]:
        """Return the public key as a JWK with only the required members.

        Spec: RFC 7517 §4; RFC 9449 §4.2.
        """
        public = self.key.as_dict(private=False)
        return {name: public[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in public}

    @property
    def thumbprint(self) -> str:
        """Return the SHA-256 thumbprint of the key.

        Spec: RFC 7638 §3; RFC 9449 §10 (``dpop_jkt``).
        """
        return self.key.thumbprint()


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key that decrypts ID tokens, and the ``alg`` values that it supports."""

    algorithms: tuple[str, ...]
    key: Key = field(repr=False)
    kid: str | None = None


def load_private_key(
    text: str, supported: Collection[str] = (), *, alg: str | None = None, kid: str | None = None
) -> SigningKey:
    """Read a private key for signing from PEM (PKCS #8 and older formats) or JWK text.

    Args:
        text: At most 64 Ki characters.
        supported: The algorithms that the provider accepts, from
            ``token_endpoint_auth_signing_alg_values_supported``, perhaps restricted by a profile; empty if unknown.
        alg, kid: Take the place of those of the JWK.

    Returns:
        The key with its algorithm: the ``alg`` of the JWK, or the best supported one, or by the kind of key RS256,
        ES256 (ES384, ES512) or EdDSA.

    Raises:
        UnusableKey: The reason is in `detail`, which never contains a part of the key.
    """
    key, jwk = _load(text, "sig")
    algorithm = _pick_algorithm(key, alg or jwk.get("alg"), supported)
    return SigningKey(algorithm, key, kid or jwk.get("kid"))


def load_decryption_key(text: str) -> DecryptionKey:
    """Read a private key for decryption from PEM or JWK text.

    Raises:
        UnusableKey: The reason is in `detail`, which never contains a part of the key.
    """
    key, jwk = _load(text, "enc")
    algorithms = _DECRYPTION[key.key_type]
    if _curve(key) == "Ed25519":
        raise UnusableKey("an Ed25519 key can only sign; use X25519, P-256 or RSA")
    if (alg := jwk.get("alg")) is not None:
        if alg not in algorithms:
            raise UnusableKey(
                f"its alg is {describe_value(alg)}; for this kind of key {', '.join(algorithms)} are supported"
            )
        algorithms = (alg,)
    return DecryptionKey(algorithms, key, jwk.get("kid"))


def secret_key(client_secret: str) -> SigningKey:
    """Return the HS256 key that consists of a client secret.

    Raises:
        UnusableKey: The secret is shorter than 32 octets, so that it could be guessed offline from one token.

    Spec: OpenID Connect Core §10.1; RFC 7518 §3.2.
    """
    octets = client_secret.encode("utf-8", "surrogatepass")
    if len(octets) < MIN_SECRET_OCTETS:
        raise UnusableKey(
            f"HS256 needs a client secret of {MIN_SECRET_OCTETS} octets; this one has {len(octets)}"
        )
    try:
        return SigningKey("HS256", OctKey.import_key(octets))
    except Exception:  # joserfc refuses public keys and certificates as secrets
        raise UnusableKey("the client secret is a public key or a certificate") from None


def build_dpop_key(random: bytes) -> SigningKey:
    """Derive an ES256 key for DPoP from at least 32 unpredictable bytes.

    Spec: RFC 9449 §4.
    """
    if len(random) < MIN_SECRET_OCTETS:
        raise UnusableKey(f"a DPoP key needs {MIN_SECRET_OCTETS} random bytes")
    return SigningKey("ES256", ECKey.derive_key(random, "P-256"))


# OpenSSL takes 0.1 s to check an RSA key, and a setting does not change, so this is done once.
@lru_cache(maxsize=8)
def _load(text: str, use: str) -> tuple[Key, dict[str, Any]]:
    text = text.strip()
    if len(text) > _MAX_TEXT_CHARS:
        raise UnusableKey(f"longer than {_MAX_TEXT_CHARS} characters")
    key, jwk = _from_jwk(text, use) if text.startswith("{") else (_from_pem(text), {})
    if isinstance(key, RSAKey) and key.raw_value.key_size < 2048:
        raise UnusableKey(f"RSA of {key.raw_value.key_size} bits; 2048 or more are needed")
    return key, jwk


def _from_pem(text: str) -> Key:
    if "-----BEGIN" not in text:
        raise UnusableKey("neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK")
    if "PRIVATE KEY-----" not in text:
        raise UnusableKey("a PEM without a private key: this is the public half, or a certificate")
    if "ENCRYPTED" in text:
        raise UnusableKey(
            "protected by a passphrase; give it without (openssl pkey -in key.pem -out plain.pem)"
        )
    if "OPENSSH" in text:
        raise UnusableKey("an OpenSSH key; give PKCS #8 (openssl genpkey)")
    try:
        native = load_pem_private_key(text.encode("utf-8", "replace"), password=None)
    except Exception as error:  # the library's own message may quote the text
        raise UnusableKey(f"a PEM that cannot be read ({type(error).__name__})") from None
    return _wrap(native)


def _wrap(native: object) -> Key:
    if isinstance(native, rsa.RSAPrivateKey):
        return RSAKey(native, native)
    if isinstance(native, ec.EllipticCurvePrivateKey) and native.curve.name in (
        "secp256r1",
        "secp384r1",
        "secp521r1",
    ):
        return ECKey(native, native)
    if isinstance(native, (ed25519.Ed25519PrivateKey, x25519.X25519PrivateKey)):
        return OKPKey(native, native)
    raise UnusableKey("a kind of key that is not supported; RSA, P-256, P-384, P-521, Ed25519 and X25519 are")


def _from_jwk(text: str, use: str) -> tuple[Key, dict[str, Any]]:
    try:
        jwk = read_json_object(text.encode("utf-8", "replace"))
    except ValueError:
        raise UnusableKey("a JWK that is not valid JSON") from None
    if "keys" in jwk:
        raise UnusableKey("a JWK Set; give a single key")
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _MEMBERS:
        raise UnusableKey(f"key type {describe_value(kty)}; RSA, EC and OKP are supported")
    if "d" not in jwk:
        raise UnusableKey("a JWK without d: this is the public half")
    if jwk.get("use") not in (None, use):
        raise UnusableKey(f"its use is {describe_value(jwk['use'])}, but {use} is needed")
    if kty != "RSA" and jwk.get("crv") not in ("P-256", "P-384", "P-521", "Ed25519", "X25519"):
        raise UnusableKey(
            f"curve {describe_value(jwk.get('crv'))}; P-256, P-384, P-521, Ed25519 and X25519 are supported"
        )
    if any(not isinstance(jwk.get(name), str | None) for name in ("alg", "kid")):
        raise UnusableKey("its alg or kid is not a string")
    try:
        return JWKRegistry.import_key(
            {"kty": kty, **{name: jwk[name] for name in _MEMBERS[kty] if name in jwk}}
        ), jwk
    except Exception as error:  # the library's own message may quote the text
        raise UnusableKey(f"a JWK that cannot be read ({type(error).__name__})") from None


def _curve(key: Key) -> str:
    return key.curve_name if isinstance(key, ECKey | OKPKey) else ""


def _pick_algorithm(key: Key, own: str | None, supported: Collection[str]) -> str:
    kind = (key.key_type, _curve(key))
    possible = [row.name for row in SIGNATURE_ALGORITHMS.values() if (row.kty, row.crv) == kind]
    if not possible:
        raise UnusableKey(f"a key of curve {kind[1]} cannot sign; use RSA, P-256, P-384, P-521 or Ed25519")
    if own is not None:
        possible = [name for name in possible if same_algorithm(name, own)]
    if not possible:
        raise UnusableKey(f"its alg is {describe_value(own)}, which this kind of key does not support")
    if supported:
        possible = [name for name in _PREFERENCE if name in possible and name in supported]
        if not possible:
            raise UnusableKey(
                f"the provider accepts {', '.join(sorted(supported))[:200]}, which this key does not support"
            )
        return possible[0]
    return own or _DEFAULT[kind[1] or kind[0]]
