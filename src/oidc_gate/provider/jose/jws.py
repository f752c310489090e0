"""Verification of signed tokens. Every token that the gate accepts passes through this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from oidc_gate.errors import IDTokenError

from ...syntax.base64url import b64url_decode
from .algorithms import SIGNATURE_ALGORITHMS
from .encoding import describe_value, read_json_object
from .jwe import decrypt
from .keys import KeyNotFound
from .private_keys import secret_key
from .recipient import Recipient

MAX_TOKEN_CHARS = 393_216  # an ID token with 200 groups takes about 10 kB, one with 5,000 GUIDs 260 kB
MAX_HEADER_CHARS = (
    16_384  # a certificate chain in x5c takes a few kilobytes; joserfc's own limit is 512 bytes
)
_REGISTERED = "compare id_token_signed_response_alg and id_token_algorithms with the client's registration"
_FOREIGN_KEYS = ("jwk", "jku", "x5u")


@dataclass(frozen=True, slots=True)
class Opened:
    """A token whose signature was verified, but whose claims were not checked yet."""

    alg: str
    claims: dict[str, Any] = field(repr=False)


def open_token(token: str, recipient: Recipient, *, name: str, types: frozenset[str]) -> Opened:
    """Decrypt `token` if necessary, check its header, verify its signature, and read its claims.

    Args:
        token: Any text.
        recipient: The keys and algorithms whose signatures are accepted.
        name: The kind of token, for errors (``id_token``).
        types: The ``typ`` values that are accepted, in lower case and without ``application/``. An absent type is
            accepted too.

    Raises:
        KeyNotFound: None of the provider's keys fits; see `may_have_rotated`.
        IDTokenError: The token is not valid for another reason.
        UnusableKey: The token uses HS256, and the client secret is too short.

    Spec: RFC 7515 §5.2; RFC 7519 §7.2; RFC 8725 §3.
    """
    envelope: Mapping[str, Any] = {}
    segments = _split(token, name)
    # Core §3.1.3.7 item 1: if the client registered encryption, it is required.
    if recipient.decryption_key is not None:
        if len(segments) != 5:
            raise IDTokenError(
                "encryption", expected="an encrypted token", got="one that is only signed", token=name
            )
        envelope = _read_header(segments[0], name)
        segments = _split(decrypt(token, envelope, recipient.decryption_key, name), name)
    if len(segments) != 3:
        raise IDTokenError("format", expected="a signed token", got=f"{len(segments)} segments", token=name)
    header = _read_header(segments[0], name)
    _check_type(header, types, name)
    alg = _check_algorithm(header, recipient.algorithms, name)
    _check_signature(segments, alg, _candidates(alg, header, recipient, name), name)
    claims = _read_claims(segments[1], name)
    _check_replicas(envelope, claims, name)
    return Opened(alg, claims)


def _split(token: str, name: str) -> list[str]:
    # Checked before anything is parsed (CVE-2025-61920).
    if len(token) > MAX_TOKEN_CHARS:
        expected = f"at most {MAX_TOKEN_CHARS} characters"
        raise IDTokenError("size", expected=expected, got=len(token), token=name)
    if not token.isascii():
        raise IDTokenError("format", expected="base64url", got="other characters", token=name)
    return token.split(".", 5)


def _read_header(segment: str, name: str) -> dict[str, Any]:
    if len(segment) > MAX_HEADER_CHARS:
        expected = f"at most {MAX_HEADER_CHARS} characters"
        raise IDTokenError("header", expected=expected, got=len(segment), token=name)
    try:
        header = read_json_object(b64url_decode(segment))
    except ValueError as error:
        raise IDTokenError("header", expected="a JSON object", got=error, token=name) from None
    # RFC 7515 §4.1.11: a token with a critical extension that is not supported must be refused. None is supported
    # (CVE-2025-59420).
    if "crit" in header:
        raise IDTokenError(
            "crit", expected="no critical extension", got=describe_value(header["crit"]), token=name
        )
    # Keys are taken only from the provider's jwks_uri (Core §2, §10.1; CVE-2026-27962). x5c and x5t are ignored and not
    # refused, because some providers send them with every token.
    for parameter in _FOREIGN_KEYS:
        if parameter in header:
            raise IDTokenError(
                parameter, expected="no key in the header", got=describe_value(header[parameter]), token=name
            )
    return header


def _check_type(header: Mapping[str, Any], types: frozenset[str], name: str) -> None:
    # RFC 8725 §3.11: a token of one kind is not accepted as another, such as a logout token as an ID token.
    typ = header.get("typ")
    if typ is None:
        return
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise IDTokenError("typ", expected=" or ".join(sorted(types)), got=describe_value(typ), token=name)


def _check_algorithm(header: Mapping[str, Any], algorithms: tuple[str, ...], name: str) -> str:
    # Core §3.1.3.7 item 7; RFC 8725 §3.1. `none` is not in the table, so listing it in the settings has no effect.
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms or alg not in SIGNATURE_ALGORITHMS:
        raise IDTokenError(
            "alg", expected=" ".join(algorithms), got=describe_value(alg), token=name, hint=_REGISTERED
        )
    return alg


def _candidates(alg: str, header: Mapping[str, Any], recipient: Recipient, name: str) -> list[Key]:
    if SIGNATURE_ALGORITHMS[alg].kty == "oct":
        # Core §10.1: the key is the client secret. A public key is never used for an HMAC (CVE-2024-37568).
        if not recipient.client_secret:
            raise IDTokenError("alg", expected="an algorithm without a client secret", got=alg, token=name)
        return [secret_key(recipient.client_secret).key]
    kid = header.get("kid")
    if "kid" in header and not isinstance(kid, str):
        raise IDTokenError("kid", expected="a text", got=describe_value(kid), token=name)
    candidates = [candidate.key for candidate in recipient.keys.find(alg, kid)]
    if not candidates:
        raise KeyNotFound(
            "kid", expected=f"a key of the provider for {alg}", got=describe_value(kid), token=name
        )
    return candidates


def _check_signature(segments: list[str], alg: str, candidates: list[Key], name: str) -> None:
    message = f"{segments[0]}.{segments[1]}".encode("ascii")
    model = JWSRegistry.algorithms[alg]
    try:
        signature = b64url_decode(segments[2])
        holds = any(model.verify(message, signature, key) for key in candidates)
    except Exception:  # a signature that makes the library fail is not valid
        holds = False
    # Core §3.1.3.7 item 6 allows a client to skip this check behind TLS. It is performed all the same.
    if not holds:
        expected = "a signature by the provider"
        raise IDTokenError("signature", expected=expected, got=f"{alg} that does not verify", token=name)


def _read_claims(segment: str, name: str) -> dict[str, Any]:
    try:
        return read_json_object(b64url_decode(segment))
    except ValueError as error:
        raise IDTokenError("payload", expected="a JSON object", got=error, token=name) from None


def _check_replicas(envelope: Mapping[str, Any], claims: Mapping[str, Any], name: str) -> None:
    # RFC 7519 §5.3: claims that the header of an encrypted token repeats must be identical.
    for claim in ("iss", "sub", "aud"):
        if claim in envelope and envelope[claim] != claims.get(claim):
            got = describe_value(envelope[claim])
            raise IDTokenError(claim, expected="the same in header and claims", got=got, token=name)
