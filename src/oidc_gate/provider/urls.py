"""Checks of the URLs that the provider names."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..syntax.hosts import is_loopback

MAX_URL = 2048  # characters
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")


def is_usable(url: str, *, allow_plain: bool) -> bool:
    """Return whether the gate may send requests to `url`: https, or http on loopback if `allow_plain` is true.

    A URL with user information, a fragment, a backslash, or anything other than printable ASCII is not usable.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (allow_plain and parts.scheme == "http" and is_loopback(parts.hostname))


def is_plain_loopback(issuer: str) -> bool:
    """Return whether `issuer` is an ``http`` URL on loopback, as in development."""
    parts = _split(issuer)
    return parts is not None and parts.scheme == "http" and is_loopback(parts.hostname or "")


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_URL or _FORBIDDEN.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
