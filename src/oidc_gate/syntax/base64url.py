"""Base64url without padding, with a strict reader: each value has exactly one spelling."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(b"-_+/=", b"+/!!!")  # the standard alphabet and padding are refused


def b64url_encode(raw: bytes) -> str:
    """Return `raw` in base64url, without padding.

    Spec: RFC 7515 §2.
    """
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Return the bytes that `text`, which has no padding, encodes.

    Raises:
        ValueError: The text has another alphabet, padding, or unused bits that are not zero.

    Spec: RFC 7515 §2; RFC 4648 §3.5.
    """
    encoded = text.encode("ascii").translate(_FROM_URL_SAFE)
    raw = a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    # Python ignores the unused bits of the last character, so two texts would encode the same bytes.
    over = len(text) % 4
    if over and b64url_encode(raw[1 - over :]) != text[-over:]:
        raise ValueError("not canonical base64url")
    return raw
