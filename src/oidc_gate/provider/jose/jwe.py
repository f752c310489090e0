"""Decryption of tokens, for clients that registered a key for encryption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwe

from oidc_gate.errors import IDTokenError

from .encoding import describe_value
from .private_keys import DecryptionKey

# A128CBC-HS256 is the default of a registration (OpenID Connect Dynamic Client Registration §2).
ENCRYPTION_ALGORITHMS = ("A128GCM", "A256GCM", "A128CBC-HS256")


class _Registry(jwe.JWERegistry):
    # An RSA key of 8192 bits gives an encrypted key of 1366 characters. The size of the whole token is limited before.
    max_protected_header_length = 16_384
    max_encrypted_key_length = 2_048
    max_ciphertext_length = 393_216  # the whole token: see `jws.MAX_TOKEN_CHARS`


def decrypt(token: str, header: Mapping[str, Any], key: DecryptionKey, name: str) -> str:
    """Decrypt a compact JWE and return the signed token in it.

    Args:
        token: Five segments, limited in size by the caller.
        header: The header of the token, in which the caller has refused ``crit`` and keys.
        key: The decryption key of the gate.
        name: The kind of token, for errors.

    Raises:
        IDTokenError: The token uses another algorithm, is compressed, or is not encrypted for this key.

    Spec: RFC 7516 §5.2; OpenID Connect Core §10.2 and §16.14.
    """
    # RSA1_5 is not supported: its padding allows an attacker to decrypt by observing many answers (CVE-2026-28490).
    if header.get("alg") not in key.algorithms:
        raise IDTokenError(
            "alg", expected=" or ".join(key.algorithms), got=describe_value(header.get("alg")), token=name
        )
    if header.get("enc") not in ENCRYPTION_ALGORITHMS:
        expected = " or ".join(ENCRYPTION_ALGORITHMS)
        raise IDTokenError("enc", expected=expected, got=describe_value(header.get("enc")), token=name)
    # A few compressed bytes can expand to megabytes (CVE-2025-61920), and no provider compresses ID tokens.
    if "zip" in header:
        raise IDTokenError("zip", expected="no compression", got=describe_value(header["zip"]), token=name)
    # oidc-provider repeats iss and aud in this header (RFC 7519 §5.3), which a strict check would refuse.
    registry = _Registry(algorithms=[*key.algorithms, *ENCRYPTION_ALGORITHMS], strict_check_header=False)
    try:
        plaintext = jwe.decrypt_compact(token, key.key, registry=registry).plaintext
        return (plaintext or b"").decode("ascii")
    except Exception:  # one answer for every failure, so that an attacker cannot tell failures apart
        raise IDTokenError(
            "encryption", expected="a token encrypted to our key", got="one that does not decrypt", token=name
        ) from None
