"""Requirements by number: what a session can be asked about once, so that the answer is a bit of its admission.

Number 0 is the rules of the settings. The query of an ``/oauth2/auth`` location is a further requirement; such
queries are written in the configuration of a proxy, so there are few, and each gets a number when it first comes.
"""

from __future__ import annotations

import threading

SETTINGS = 0
MAX_REQUIREMENTS = 64
"""A query beyond that many is decided anew each time: a proxy that hands on its visitors' queries has no few."""


class Requirements:
    """The requirements of one gate. Safe under threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def number_of(self, query: str) -> int | None:
        """Return the number of a query that came before, or None."""
        return self._numbers.get(query)

    def number(self, query: str) -> int | None:
        """Return the number of a query, a new one if it has none; None when all numbers are taken.

        Args:
            query: One that was parsed, and understood as a whole.
        """
        with self._lock:
            if query not in self._numbers and len(self._numbers) + 1 < MAX_REQUIREMENTS:
                self._numbers[query] = len(self._numbers) + 1
            return self._numbers.get(query)
