"""What anyone may read: ``public_paths``, compiled so that many rules cost no more than one."""

from __future__ import annotations

import re
from collections.abc import Iterable

# `..` beside `.`; an empty segment inside the path (a trailing slash is not one); what a second decoding, a
# path parameter or a Windows separator would turn into another path; controls, and bytes that are no UTF-8.
_NEVER = re.compile(r"/\.{1,2}(?:/|\Z)|//|[%\\;\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_Methods = frozenset[str] | None
"""The methods that a rule admits; None for all."""


class PublicPaths:
    """The compiled rules.

    Args:
        rules: ``/exact``, ``/below/*`` (everything below, not ``/below`` itself), each with an optional
            method in front: ``OPTIONS /*``. ``GET`` includes ``HEAD``. Relative to the mount, case-sensitive.
    """

    __slots__ = ("_below", "_deepest", "_exact")

    def __init__(self, rules: Iterable[str]) -> None:
        self._exact: dict[str, _Methods] = {}
        self._below: dict[str, _Methods] = {}
        for rule in rules:
            method, _, path = rule.strip().rpartition(" ")
            if path.endswith("/*"):
                _add(self._below, path[:-2], method.strip())
            else:
                _add(self._exact, path, method.strip())
        self._deepest = max((parent.count("/") for parent in self._below), default=-1)

    def matches(self, method: str, path: str) -> bool:
        """Tell whether anyone may send `method` to `path`.

        Args:
            path: Below the mount, decoded once, as the application dispatches on it. One that applications
                read in more than one way is never public (CVE-2026-41059, CVE-2025-54576).
        """
        if not self._exact and not self._below:
            return False
        if not path.startswith("/") or _NEVER.search(path):
            return False
        if path in self._exact and _admits(self._exact[path], method):
            return True
        end = 0
        for _ in range(self._deepest + 1):
            parent = path[:end]
            if parent in self._below and _admits(self._below[parent], method):
                return True
            end = path.find("/", end + 1)
            if end < 0:
                return False
        return False


def _add(table: dict[str, _Methods], path: str, method: str) -> None:
    if not method:
        table[path] = None
        return
    known = table.get(path, frozenset())
    if known is not None:
        table[path] = known | ({"GET", "HEAD"} if method == "GET" else {method})


def _admits(methods: _Methods, method: str) -> bool:
    return methods is None or method in methods
