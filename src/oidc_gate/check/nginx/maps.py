"""Evaluates a ``map`` of Nginx with Python's regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .reading import Directive

MAX_DEPTH = 20  # of maps that take the value of another map, and of names in an expression
MAX_PATTERN = 20_000  # characters; Nginx takes 4,096, before names are replaced
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAME = re.compile(r"\(\?<([A-Za-z_]\w*)>")
_USE = re.compile(r"\(\?&(\w+)\)")
_DEFINE = "(?(DEFINE)"


class UnknownValueError(Exception):
    """The value depends on something that is not in the maps, or that Python reads in another way than Nginx."""


class Maps:
    """The maps of a configuration.

    Args:
        directives: The directives ``map``.
    """

    def __init__(self, directives: Iterable[Directive]) -> None:
        self._maps = {each.args[1]: each for each in directives if len(each.args) == 2}

    def value(self, text: str, known: Mapping[str, str], depth: int = 0) -> str:
        """Return the value of `text` in Nginx. It may contain variables.

        Args:
            known: The values of variables, such as ``{"http_cookie": "a=1"}``.

        Raises:
            UnknownValueError: A variable is neither in `known` nor that of a map, or a map cannot be evaluated.
        """
        if depth > MAX_DEPTH:
            raise UnknownValueError(text)
        return _VARIABLE.sub(lambda match: self._variable(match[1] or match[2], known, depth), text)

    def _variable(self, name: str, known: Mapping[str, str], depth: int) -> str:
        if name in known:
            return known[name]
        found = self._maps.get(f"${name}")
        if found is None:
            raise UnknownValueError(name)
        source = self.value(found.args[0], known, depth + 1)
        entries = [(each.name, each.args[0]) for each in found.block or () if len(each.args) == 1]
        plain = {key.lower(): value for key, value in entries if not key.startswith("~")}
        if source.lower() in plain and source != "default":
            return self.value(plain[source.lower()], known, depth + 1)
        for key, value in entries:
            if key.startswith("~") and (match := _search(key, source)):
                captured = {group: text or "" for group, text in match.groupdict().items()}
                numbered = {str(at): text or "" for at, text in enumerate(match.groups(), 1)}
                return self.value(value, {**known, **captured, **numbered}, depth + 1)
        return self.value(plain.get("default", ""), known, depth + 1)


def _search(key: str, text: str) -> re.Match[str] | None:
    flags = re.IGNORECASE if key.startswith("~*") else 0
    try:
        return re.search(python_pattern(key.removeprefix("~*" if flags else "~")), text, flags | re.ASCII)
    except (re.error, RecursionError) as error:
        raise UnknownValueError(key) from error


@lru_cache(maxsize=256)  # each cookie is sent through the same expressions
def python_pattern(pattern: str) -> str:
    """Return a regular expression of PCRE in the syntax of Python. Defined groups replace the references to them.

    Raises:
        UnknownValueError: It is too large, or its parentheses do not match.
    """
    bodies = {
        match[1]: pattern[match.end() : _end(pattern, match.end())] for match in _NAME.finditer(pattern)
    }
    while (start := pattern.find(_DEFINE)) >= 0:
        pattern = pattern[:start] + pattern[_end(pattern, start + len(_DEFINE)) + 1 :]
    for _ in range(MAX_DEPTH):
        if not _USE.search(pattern) or len(pattern) > MAX_PATTERN:
            break
        pattern = _USE.sub(lambda match: f"(?>{_NAME.sub('(?:', bodies.get(match[1], match[0]))})", pattern)
    if _USE.search(pattern) or len(pattern) > MAX_PATTERN:
        raise UnknownValueError(pattern[:100])
    return _NAME.sub(r"(?P<\1>", pattern)


def _end(pattern: str, start: int) -> int:
    """Return the position at which the parenthesis that opens in front of `start` closes."""
    depth, at, in_set = 1, start, False
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif in_set:
            in_set = letter != "]"
        elif letter == "[":
            in_set = True
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if not depth:
                return at
        at += 1
    raise UnknownValueError(pattern[:100])
