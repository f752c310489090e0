"""The provider's public keys: which keys of a JWKS may verify a signature, and which of them a token names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import JWKRegistry, Key

from oidc_gate.errors import GateError, IDTokenError, ProviderError

from ...syntax.base64url import b64url_decode
from .algorithms import SIGNATURE_ALGORITHMS, Algorithm, same_algorithm
from .encoding import describe_value

MAX_KEYS = 100  # providers publish fewer than ten
MAX_CANDIDATES = (
    8  # verifying ES512 takes a millisecond: a token without `kid` must not cost a hundred of them
)
_MAX_MEMBER_CHARS = 2048
_RSA_BITS = range(2048, 8192 + 1)  # at least: NIST SP 800-131A; at most: larger keys only cost more time
_MAX_EXPONENT_CHARS = 11  # 64 bits, which is OpenSSL's limit for large moduli
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_ENCRYPTION_CURVES = ("X25519", "X448")  # RFC 8037 §3.2
_ENCRYPTION_ALGORITHMS = ("RSA-OAEP", "RSA1_5", "ECDH-ES")  # RFC 7518 §4.1: what their names begin with
_ENCRYPTION_OPERATIONS = ("encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeyNotFound(IDTokenError):
    """No key of the set can have signed this token. The provider may have new keys; see `may_have_rotated`."""


def may_have_rotated(error: GateError) -> bool:
    """Return whether a newer JWKS might make the token valid.

    This is the case for an unknown key, and for a known ``kid`` whose signature does not verify, because some
    providers put a new key under an old ``kid``. The caller then fetches the JWKS again, if its budget allows it, and
    repeats the check.

    Spec: OpenID Connect Core §10.1.1.
    """
    return isinstance(error, KeyNotFound) or (isinstance(error, IDTokenError) and error.claim == "signature")


@dataclass(frozen=True, slots=True)
class SkippedKey:
    """A member of a JWKS that is ignored, for the log.

    Args:
        position: Its position, counted from 0.
        kid: Its ``kid``, cut to 200 characters.
        is_for_encryption: Whether the provider published it for encryption, which is not an error.
    """

    position: int
    kid: str
    reason: str
    is_for_encryption: bool = False


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures.

    Args:
        alg: The only algorithm for which it may be used; None if the provider does not name one.
        crv: The curve; empty for RSA.
    """

    kid: str | None
    alg: str | None
    kty: str
    crv: str
    key: Key = field(repr=False)

    def fits(self, algorithm: Algorithm) -> bool:
        """Return whether this key may verify a signature of `algorithm`.

        Spec: RFC 7517 §4.1 and §4.4; RFC 7518 §3.1 (the algorithm determines the curve).
        """
        return (self.kty, self.crv) == (algorithm.kty, algorithm.crv) and (
            self.alg is None or same_algorithm(self.alg, algorithm.name)
        )


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of a provider that verify signatures. It never contains a symmetric key."""

    keys: tuple[PublicKey, ...] = ()
    skipped: tuple[SkippedKey, ...] = ()

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any]) -> KeySet:
        """Import the keys of a JWKS one by one, so that an invalid key does not affect the others.

        Args:
            document: The parsed JSON, with any content. Only the first `MAX_KEYS` keys are read.

        Raises:
            ProviderError: ``jwks_malformed``: it is not a JWKS.

        Spec: RFC 7517 §5; OpenID Connect Core §10.1.
        """
        members = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(members, list):
            raise ProviderError(
                "jwks_malformed",
                "The sign-in service sent keys that cannot be read.",
                detail="no list 'keys'",
            )
        keys, skipped = [], []
        for position, member in enumerate(members[:MAX_KEYS]):
            try:
                keys.append(_import_key(member))
            except _Unusable as error:
                kid = describe_value(member.get("kid")) if isinstance(member, dict) else ""
                skipped.append(SkippedKey(position, kid, str(error), isinstance(error, _ForEncryption)))
        if len(members) > MAX_KEYS:
            skipped.append(SkippedKey(MAX_KEYS, "", f"{len(members)} keys; only {MAX_KEYS} are read"))
        return cls(tuple(keys), tuple(skipped))

    def has_key_for(self, algorithms: Iterable[str]) -> bool:
        """Return whether there is a key that can verify a signature of one of these algorithms."""
        return any(self.find(alg, None) for alg in algorithms)

    def find(self, alg: str, kid: str | None) -> list[PublicKey]:
        """Return the keys to try, at most `MAX_CANDIDATES`, or an empty list if no key fits the token.

        Args:
            alg: The ``alg`` of the token's header.
            kid: The ``kid`` of the token's header. Without it, every key that fits is tried, even if there are
                several, as the OpenID certification of relying parties allows (``kid-absent-multiple-jwks``).

        Spec: RFC 7515 §4.1.4; OpenID Connect Core §10.1.
        """
        algorithm = SIGNATURE_ALGORITHMS.get(alg)
        if algorithm is None:
            return []
        fitting = (key for key in self.keys if key.fits(algorithm) and kid in (None, key.kid))
        return [key for key, _ in zip(fitting, range(MAX_CANDIDATES), strict=False)]


class _Unusable(Exception):
    """The reason why a key is ignored."""


class _ForEncryption(_Unusable):
    """The key is ignored because it was published for encryption."""


def _import_key(member: object) -> PublicKey:
    if not isinstance(member, dict):
        raise _Unusable("not an object")
    kty = _text(member, "kty")
    if kty not in _PUBLIC_MEMBERS:
        # A published symmetric key proves nothing. Without symmetric keys in the set, key confusion is not possible.
        raise _Unusable(f"key type {describe_value(kty)} is not for public signatures")
    if not _PRIVATE_MEMBERS.isdisjoint(member):
        raise _Unusable("a private key, which must not be published: anyone who reads it can sign")
    _check_purpose(member)
    jwk = {name: _text(member, name) for name in _PUBLIC_MEMBERS[kty]}
    alg, crv = _text(member, "alg"), jwk.get("crv") or ""
    if not any(
        (row.kty, row.crv) == (kty, crv) and (alg is None or same_algorithm(alg, row.name))
        for row in SIGNATURE_ALGORITHMS.values()
    ):
        raise _Unusable(f"no signature algorithm for {kty} {crv} {alg or ''}".rstrip())
    if kty == "RSA":
        _check_rsa(jwk["n"] or "", jwk["e"] or "")
    try:
        key = JWKRegistry.import_key({"kty": kty, **{name: text or "" for name, text in jwk.items()}})
    except Exception as error:  # whatever error a library raises for one key, the other keys stay usable
        raise _Unusable(f"unreadable ({type(error).__name__})") from error
    return PublicKey(_text(member, "kid"), alg, kty, crv, key)


def _text(member: dict[str, Any], name: str) -> str | None:
    value = member.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_MEMBER_CHARS):
        raise _Unusable(f"{name} is not a string of at most {_MAX_MEMBER_CHARS} characters")
    return value


def _check_purpose(member: dict[str, Any]) -> None:
    if _is_for_encryption(member):
        raise _ForEncryption("published for encryption")
    # RFC 7517 §4.2
    if member.get("use") not in (None, "sig"):
        raise _Unusable(f"for use {describe_value(member['use'])}, not for signatures")
    # RFC 7517 §4.3
    operations = member.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise _Unusable("its key_ops do not include verify")


def _is_for_encryption(member: dict[str, Any]) -> bool:
    """Return whether the first of ``use``, ``key_ops``, and algorithm or curve that is there says so."""
    if (use := member.get("use")) is not None:
        return bool(use == "enc")
    if (operations := member.get("key_ops")) is not None:
        return isinstance(operations, list) and all(each in _ENCRYPTION_OPERATIONS for each in operations)
    return (_text(member, "alg") or "").startswith(_ENCRYPTION_ALGORITHMS) or (
        member.get("crv") in _ENCRYPTION_CURVES
    )


def _check_rsa(n: str, e: str) -> None:
    if len(e) > _MAX_EXPONENT_CHARS:
        raise _Unusable("an RSA exponent of more than 64 bits, which makes every check slow")
    try:
        bits = int.from_bytes(b64url_decode(n), "big").bit_length()
    except ValueError:
        raise _Unusable("unreadable modulus") from None
    # RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used"
    if bits not in _RSA_BITS:
        raise _Unusable(f"RSA of {bits} bits; {_RSA_BITS[0]} to {_RSA_BITS[-1]} are accepted")
