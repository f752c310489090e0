"""Detects a proxy that asks for verdicts but never shows the sign-in page."""

from __future__ import annotations

import threading

MAX_UNANSWERED = 20
"""After this number of page loads without a sign-in page, it is reported. With ``error_page``, each page load is
followed by a request for it at once."""


class SignInWatch:
    """Counts the page loads that were answered with 401, until the sign-in page is first requested.

    There is one for each process. It is safe under threads.
    """

    def __init__(self) -> None:
        self._refused = 0
        self._is_over = False
        self._lock = threading.Lock()

    def sign_in_requested(self) -> None:
        """Stop counting, because the sign-in page can be reached."""
        self._is_over = True

    def page_load_refused(self) -> bool:
        """Count a page load without a cookie. Return True for number `MAX_UNANSWERED`, and never again."""
        if self._is_over:
            return False
        with self._lock:
            self._refused += 1
            return self._refused == MAX_UNANSWERED
