"""The names of the gate's cookies: the name of the session cookie, and what the others append to it."""

from __future__ import annotations

FLOW_SLOTS = 8
PARTS = (".body", ".body2", ".rounds", *(f".flow{slot}" for slot in range(FLOW_SLOTS)))
"""The suffixes that follow the name of the session cookie in the names of the other cookies."""


def own_names_pattern(main: str) -> str:
    """Return a regular expression for the names of a gate's cookies, in the syntax of Python, PCRE and RE2.

    Args:
        main: The name of the session cookie, with its prefix.

    Example:
        >>> own_names_pattern("oidc_gate")
        'oidc_gate(?:[.](?:body2?|rounds|flow[0-7]))?'
    """
    return rf"{main.replace('.', '[.]')}(?:[.](?:body2?|rounds|flow[0-{FLOW_SLOTS - 1}]))?"
