"""URL paths: which paths need no encoding, and which can be read in more than one way."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)


def is_plain_path(path: str) -> bool:
    """Return whether `path` is written like ``/a/b``.

    It has no trailing slash, no empty segment, no dot segment, and only characters that are never encoded.

    Spec: RFC 3986 §2.3 (unreserved characters), §3.3.
    """
    return bool(_PLAIN.fullmatch(path)) and {".", ".."}.isdisjoint(path.split("/"))


# Dot segments; an empty segment inside the path (a trailing slash is not one); a Windows separator.
AMBIGUOUS_SEGMENTS = re.compile(r"/\.{1,2}(?:/|\Z)|//|\\")


# Characters that a second decoding, path parameters or a URL parser would turn into another path; control
# characters; bytes that are not UTF-8.
AMBIGUOUS_PATH = re.compile(AMBIGUOUS_SEGMENTS.pattern + r"|[%;#?\x00-\x1f\x7f-\x9f\ud800-\udfff]")
