"""Taking a signed token out of its encryption. Only where the client registered a key for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwe

from oidc_gate.errors import IDTokenError

from .encoding import describe_value
from .private_keys import DecryptionKey

ENCRYPTION_ALGORITHMS = ("A128GCM", "A256GCM")


class _Registry(jwe.JWERegistry):
    # An RSA key of 8192 bits makes an encrypted key of 1366 characters; the whole token is bounded before.
    max_protected_header_length = 16_384
    max_encrypted_key_length = 2_048
    max_ciphertext_length = 65_536


def decrypt(token: str, header: Mapping[str, Any], key: DecryptionKey, name: str) -> str:
    """Decrypt a compact JWE and return the signed token in it.

    Args:
        token: Five segments, bounded by the caller.
        header: Its header, read by the caller, who refuses ``crit`` and foreign keys.
        key: Ours.
        name: Which token, for the error.

    Raises:
        IDTokenError: Another algorithm than we speak, compressed, or not for our key.

    Spec: RFC 7516 §5.2; OpenID Connect Core §10.2 and §16.14.
    """
    # RSA1_5 is not among them: its padding lets an attacker decrypt, one answer at a time (CVE-2026-28490).
    if header.get("alg") not in key.algorithms:
        raise IDTokenError(
            "alg", expected=" or ".join(key.algorithms), got=describe_value(header.get("alg")), token=name
        )
    if header.get("enc") not in ENCRYPTION_ALGORITHMS:
        expected = " or ".join(ENCRYPTION_ALGORITHMS)
        raise IDTokenError("enc", expected=expected, got=describe_value(header.get("enc")), token=name)
    # A few bytes may unpack to megabytes (CVE-2025-61920), and no provider compresses an ID token.
    if "zip" in header:
        raise IDTokenError("zip", expected="no compression", got=describe_value(header["zip"]), token=name)
    # oidc-provider repeats iss and aud in this header (RFC 7519 §5.3), which strict checking would refuse.
    registry = _Registry(algorithms=[*key.algorithms, *ENCRYPTION_ALGORITHMS], strict_check_header=False)
    try:
        plaintext = jwe.decrypt_compact(token, key.key, registry=registry).plaintext
        return (plaintext or b"").decode("ascii")
    except Exception:  # one answer to every failure: no oracle, and no exception of a library
        raise IDTokenError(
            "encryption", expected="a token encrypted to our key", got="one that does not decrypt", token=name
        ) from None
