"""Lists of names in settings: literal names, and patterns with ``*``."""

from __future__ import annotations

import re
from collections.abc import Iterable


class NamePatterns:
    """A set of names and patterns. Names are compared as they are, with case.

    Args:
        names: Literal names. A ``*`` in one of them is an ordinary character.
        patterns: Names in which ``*`` stands for any number of any characters. No other character is special.
    """

    def __init__(self, names: Iterable[str], patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self._names = frozenset([*names, *patterns])  # a pattern matches itself
        parts = ["(?s:.*)".join(map(re.escape, re.split(r"\*+", each))) for each in patterns if "*" in each]
        self._patterns = re.compile("|".join(parts)) if parts else None

    def __contains__(self, name: object) -> bool:
        if name in self._names:
            return True
        return (
            self._patterns is not None
            and isinstance(name, str)
            and self._patterns.fullmatch(name) is not None
        )
