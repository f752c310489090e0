"""AES-256-GCM under keys derived per purpose from a ring of secrets.

A sealed value is base64url of ``version (1) | key id (3) | nonce (12) | ciphertext and tag``. The key id says
which secret sealed it, so a ring of several costs nothing, and a value of another gate is told from a forged one.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import SessionError

VERSION = b"\x01"
NONCE_BYTES = 12
_ID_BYTES = 3
_HEAD_BYTES = len(VERSION) + _ID_BYTES
_LEAST_BYTES = _HEAD_BYTES + NONCE_BYTES + 16
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(
    b"-_+/=", b"+/!!!"
)  # the standard alphabet and padding are not ours: refuse them


class SealError(SessionError):
    """A value that this sealer did not seal: ``malformed``, ``foreign`` (another secret) or ``forged``."""

    def __init__(self, code: str) -> None:
        super().__init__(f"seal_{code}", "The cookie cannot be opened.")


class KeyRing:
    """The cookie secrets, newest first, bound to one issuer and client.

    Args:
        secrets: At least one; the first seals, all open.
        binding: What else the keys depend on, so that a copied secret opens no other application's session.
    """

    def __init__(self, secrets: Sequence[str], *, binding: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._binding = b"\0".join(part.encode() for part in binding)

    def sealer(self, purpose: str, cookie_name: str = "") -> Sealer:
        """Return the sealer for `purpose`: what one purpose sealed no other opens."""
        info = b"\0".join((b"oidc_gate/1", purpose.encode(), cookie_name.encode(), self._binding))
        return Sealer([_hkdf(secret, info, 32 + _ID_BYTES) for secret in self._secrets])


class Sealer:
    """Seals and opens values of one purpose. Immutable; safe under threads."""

    def __init__(self, derived: Sequence[bytes]) -> None:
        self._newest = VERSION + derived[0][32:]
        self._keys = {VERSION + key[32:]: AESGCM(key[:32]) for key in reversed(derived)}

    def seal(self, plaintext: bytes, nonce: bytes) -> str:
        """Return `plaintext` sealed, as text safe in cookies and query strings.

        Args:
            nonce: 12 bytes, random, never used before.

        Spec: NIST SP 800-38D §8.2.2 (random nonces: below 2**32 values a key, which `session_idle_seconds`
            and 1,000 renewals a second reach after seven weeks: rotate the secret before).
        """
        head = self._newest
        sealed = head + nonce + self._keys[head].encrypt(nonce, plaintext, head)
        return b2a_base64(sealed, newline=False).translate(_TO_URL_SAFE).rstrip(b"=").decode("ascii")

    def open(self, text: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealError: It was not sealed by this ring for this purpose, or has been changed.
        """
        try:
            encoded = text.encode("ascii").translate(_FROM_URL_SAFE)
            sealed = a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
        except (Base64Error, ValueError):
            raise SealError("malformed") from None
        if len(sealed) < _LEAST_BYTES or sealed[:1] != VERSION:
            raise SealError("malformed")
        head = sealed[:_HEAD_BYTES]
        key = self._keys.get(head)
        if key is None:
            raise SealError("foreign")
        try:
            return key.decrypt(
                sealed[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES], sealed[_HEAD_BYTES + NONCE_BYTES :], head
            )
        except InvalidTag:
            raise SealError("forged") from None


def _hkdf(secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA256 (RFC 5869) with an empty salt; `size` up to 64 bytes."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    first = hmac.digest(extracted, info + b"\x01", hashlib.sha256)
    return (first + hmac.digest(extracted, first + info + b"\x02", hashlib.sha256))[:size]
