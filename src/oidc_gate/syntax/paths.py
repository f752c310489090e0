"""URL paths that need no encoding."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)


def is_plain_path(path: str) -> bool:
    """Return whether `path` is written like ``/a/b``.

    It has no trailing slash, no empty segment, no dot segment, and only characters that are never encoded.

    Spec: RFC 3986 §2.3 (unreserved characters), §3.3.
    """
    return bool(_PLAIN.fullmatch(path)) and {".", ".."}.isdisjoint(path.split("/"))
