"""Base64url without padding, read strictly: one text for one value."""

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
    """Return what `text`, which has no padding, stands for.

    Raises:
        ValueError: Another alphabet, padding, or bits left over at the end.

    Spec: RFC 7515 §2; RFC 4648 §3.5.
    """
    encoded = text.encode("ascii").translate(_FROM_URL_SAFE)
    raw = a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    # Python ignores the bits left over in the last character: two texts would stand for one value.
    over = len(text) % 4
    if over and b64url_encode(raw[1 - over :]) != text[-over:]:
        raise ValueError("not canonical base64url")
    return raw
