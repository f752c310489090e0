"""Addresses that the provider names: which of them may be spoken to."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..syntax.hosts import is_loopback

MAX_URL = 2048
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")


def is_usable(url: str, *, allow_plain: bool) -> bool:
    """Tell whether `url` may be spoken to: https, or http on loopback where `allow_plain` says so.

    User information, fragments, backslashes and anything but printable ASCII make it unusable.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (allow_plain and parts.scheme == "http" and is_loopback(parts.hostname))


def is_plain_loopback(issuer: str) -> bool:
    """Tell whether `issuer` is an ``http:`` address on this machine, as in development."""
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
