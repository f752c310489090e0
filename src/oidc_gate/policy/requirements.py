"""Numbers for the requirements that a session may have to satisfy, so that each answer is one bit of its admission.

Number 0 stands for the rules of the settings. The query of an ``/oauth2/auth`` location is a further requirement.
Such queries come from the configuration of a proxy, so there are few, and each gets a number when it first arrives.
"""

from __future__ import annotations

import threading

SETTINGS = 0
MAX_REQUIREMENTS = 64
"""Further queries are checked again each time. There are many if a proxy passes on the queries of clients."""


class Requirements:
    """The requirements of one gate. It is safe under threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def number_of(self, query: str) -> int | None:
        """Return the number of a query that has one, or None."""
        return self._numbers.get(query)

    def number(self, query: str) -> int | None:
        """Return the number of a query, which is a new one if necessary, or None if all numbers are taken.

        Args:
            query: A query whose rules were all understood.
        """
        with self._lock:
            if query not in self._numbers and len(self._numbers) + 1 < MAX_REQUIREMENTS:
                self._numbers[query] = len(self._numbers) + 1
            return self._numbers.get(query)
