"""AES-256-GCM with keys that are derived for each purpose from a list of secrets.

A sealed value is the base64url of ``version (1) | key id (3) | nonce (12) | ciphertext and tag``. The key ID names the
secret that sealed the value, so a list of several secrets costs nothing, and a value of another gate can be
distinguished from a forged one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import SessionError
from ..syntax.base64url import b64url_decode, b64url_encode

VERSION = b"\x01"
NONCE_BYTES = 12
_ID_BYTES = 3
_HEAD_BYTES = len(VERSION) + _ID_BYTES
_MIN_BYTES = _HEAD_BYTES + NONCE_BYTES + 16


def sealed_chars(size: int) -> int:
    """Return the number of characters of `size` bytes after `Sealer.seal`."""
    return -(-4 * (size + _MIN_BYTES) // 3)


class SealError(SessionError):
    """A value that this sealer did not seal: ``malformed``, ``foreign`` (another secret) or ``forged``."""

    def __init__(self, code: str) -> None:
        super().__init__(f"seal_{code}", "The cookie cannot be opened.")


class KeyRing:
    """The cookie secrets, newest first, bound to one issuer and one client.

    Args:
        secrets: At least one secret. The first one seals, and all of them open.
        binding: Further values that the keys depend on, so that a copied secret opens no session of another
            application.
    """

    def __init__(self, secrets: Sequence[str], *, binding: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._binding = b"\0".join(part.encode() for part in binding)

    def sealer(self, purpose: str, cookie_name: str = "") -> Sealer:
        """Return the sealer for `purpose`. No other purpose can open its values."""
        return Sealer(self._derive(purpose, cookie_name, 32 + _ID_BYTES))

    def mac_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Return a key of 32 bytes for each secret, newest first, which authenticates values of `purpose`."""
        return tuple(self._derive(purpose, "", 32))

    def _derive(self, purpose: str, cookie_name: str, size: int) -> list[bytes]:
        info = b"\0".join((b"oidc_gate/1", purpose.encode(), cookie_name.encode(), self._binding))
        return [hkdf(secret, info, size) for secret in self._secrets]


class Sealer:
    """Seals and opens the values of one purpose. It is immutable and safe under threads."""

    def __init__(self, derived: Sequence[bytes]) -> None:
        self._derived = tuple(derived)
        self._newest = VERSION + derived[0][32:]
        self._keys = {VERSION + key[32:]: AESGCM(key[:32]) for key in reversed(derived)}

    def secret_of(self, text: str) -> int:
        """Return the position in the list, 0 for the newest, of the secret with which `text` was sealed.

        Not checked here: whether it was really sealed with it. `open` checks that.

        Raises:
            SealError: The secret is not in the list, or this is not a sealed value.
        """
        try:
            head = b64url_decode(text[:8])[:_HEAD_BYTES]
        except ValueError:
            raise SealError("malformed") from None
        for place, own in enumerate(self._derived):
            if VERSION + own[32:] == head:
                return place
        raise SealError("foreign")

    def bound_to(self, key: bytes, secret: int = 0) -> Sealer:
        """Return a sealer whose values can be opened only with `key` in addition to the secrets.

        Args:
            key: 32 random bytes.
            secret: The position in the list of the secret that seals. All of them open.

        Spec: RFC 5869 §3.3: the input keying material is the derived key followed by `key`.
        """
        bound = [hkdf(own[:32] + key, b"oidc_gate/1\0bound", 32) + own[32:] for own in self._derived]
        return Sealer([bound[secret], *bound])

    def seal(self, plaintext: bytes, nonce: bytes) -> str:
        """Return the sealed `plaintext` as text that is safe in cookies and query strings.

        Args:
            nonce: 12 random bytes that were never used before.

        Spec: NIST SP 800-38D §8.2.2 (random nonces: below 2**32 values for each key, which 1,000 renewals a second
        reach after seven weeks: replace the secret before).
        """
        sealed = self.seal_bytes(plaintext, nonce)
        return b64url_encode(sealed)

    def seal_bytes(self, plaintext: bytes, nonce: bytes, context: bytes = b"") -> bytes:
        """Return the sealed `plaintext` as bytes.

        Args:
            plaintext: The bytes to seal.
            nonce: 12 random bytes that were never used before.
            context: Bytes that are authenticated with it, and are needed to open it.
        """
        head = self._newest
        return head + nonce + self._keys[head].encrypt(nonce, plaintext, head + context)

    def open(self, text: str) -> bytes:
        """Return the plaintext of a sealed value.

        Raises:
            SealError: It was not sealed with these secrets for this purpose, or was altered.
        """
        try:
            sealed = b64url_decode(text)
        except ValueError:
            raise SealError("malformed") from None
        return self.open_bytes(sealed)

    def open_bytes(self, sealed: bytes, context: bytes = b"") -> bytes:
        """Return the plaintext that `seal_bytes` sealed with the same `context`.

        Raises:
            SealError: It was not sealed with these secrets for this purpose and context, or was altered.
        """
        if len(sealed) < _MIN_BYTES or sealed[:1] != VERSION:
            raise SealError("malformed")
        head = sealed[:_HEAD_BYTES]
        key = self._keys.get(head)
        if key is None:
            raise SealError("foreign")
        try:
            return key.decrypt(
                sealed[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES],
                sealed[_HEAD_BYTES + NONCE_BYTES :],
                head + context,
            )
        except InvalidTag:
            raise SealError("forged") from None


def hkdf(secret: bytes, info: bytes, size: int) -> bytes:
    """Return a key derived with HKDF-SHA256 (RFC 5869), with an empty salt and a `size` of up to 64 bytes."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    first = hmac.digest(extracted, info + b"\x01", hashlib.sha256)
    return (first + hmac.digest(extracted, first + info + b"\x02", hashlib.sha256))[:size]
