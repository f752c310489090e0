"""The rules of ``public_paths``, compiled so that many rules cost no more than one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from ..model import Reason
from ..syntax.paths import AMBIGUOUS_PATH, AMBIGUOUS_SEGMENTS

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)
# The characters of a path that need no percent-encoding: `pchar` of RFC 3986 §3.3, and the slash.
_BARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/")

_Methods = frozenset[str] | None
"""The methods that a rule admits; None for all methods."""


class PublicPaths:
    """The compiled rules of ``public_paths``.

    Args:
        rules: ``/exact`` or ``/below/*``, each with an optional method in front (``OPTIONS /*``). ``GET`` includes
            ``HEAD``. ``/below/*`` matches neither ``/below`` nor ``/below/``, which are the same view for many
            routers, and ``/*`` does not match ``/``. Rules are relative to the mount and case-sensitive.
    """

    __slots__ = ("_below", "_exact", "_max_depth")

    def __init__(self, rules: Iterable[str]) -> None:
        self._exact: dict[str, _Methods] = {}
        self._below: dict[str, _Methods] = {}
        for rule in rules:
            method, _, path = rule.strip().rpartition(" ")
            if path.endswith("/*"):
                _add(self._below, path[:-2], method.strip())
            else:
                _add(self._exact, path, method.strip())
        self._max_depth = max((parent.count("/") for parent in self._below), default=-1)

    def matches(self, method: str, path: str, raw_path: str) -> bool:
        """Return whether `method` is public for a path.

        The rules must match the path in both forms, because some routers dispatch on the decoded one and others
        (Sanic, BlackSheep, Express, Go's ``ServeMux``) on the raw one. A path that applications can read in more than
        one way is never public (CVE-2026-41059, CVE-2025-54576).

        Args:
            path: The path below the mount, decoded once.
            raw_path: The path below the mount, percent-encoded as in the request line.
        """
        if not path.startswith("/") or not self._holds(method, path):
            return False
        if AMBIGUOUS_PATH.search(path) or not _is_one_path(path, raw_path):
            return False
        return self._holds(method, _spelling(raw_path))

    def _holds(self, method: str, path: str) -> bool:
        if path in self._exact and _admits(self._exact[path], method):
            return True
        end = 0
        for _ in range(self._max_depth + 1):
            if end + 1 == len(path):  # nothing follows the slash
                return False
            parent = path[:end]
            if parent in self._below and _admits(self._below[parent], method):
                return True
            end = path.find("/", end + 1)
            if end < 0:
                return False
        return False


def _is_one_path(path: str, raw_path: str) -> bool:
    """Return whether both forms are the same path, segment by segment, also after Unicode normalization."""
    if not raw_path.isascii() or _ENCODED_SLASH.search(raw_path):
        return False
    if unquote_to_bytes(raw_path).decode("utf-8", "surrogateescape") != path:
        return False
    return path.isascii() or not AMBIGUOUS_SEGMENTS.search(normalize("NFKC", path))


def _spelling(raw_path: str) -> str:
    """Decode the characters that a URL must encode. Unnecessary escapes stay, and no rule contains a ``%``."""
    if "%" not in raw_path:
        return raw_path
    return _ESCAPE.sub(_decode_needed, raw_path.encode()).decode("utf-8", "surrogateescape")


def _decode_needed(escape: re.Match[bytes]) -> bytes:
    byte = int(escape[1], 16)
    return escape[0] if byte in _BARE else bytes((byte,))


def _add(table: dict[str, _Methods], path: str, method: str) -> None:
    if not method:
        table[path] = None
        return
    known = table.get(path, frozenset())
    if known is not None:
        table[path] = known | ({"GET", "HEAD"} if method == "GET" else {method})


def _admits(methods: _Methods, method: str) -> bool:
    return methods is None or method in methods


def reason_without_identity(refused_by: str | None, notes: tuple[Reason, ...] = ()) -> Reason:
    """Return the reason for a request that passes without an identity.

    Args:
        refused_by: The rule that refuses the signed-in user; None for an anonymous request.
        notes: The notes of that refusal.
    """
    return Reason("refused_on_public_path", refused_by, notes=notes) if refused_by else Reason("public_path")
