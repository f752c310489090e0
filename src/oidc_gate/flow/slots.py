"""Which of the eight flow cookies a new sign-in takes, and when a browser goes round in circles.

A fixed number of slots bounds what a hundred tabs leave behind: oauth2-proxy and Authlib grew one cookie a
tab until the server refused the request header.
"""

from __future__ import annotations

from collections.abc import Mapping

from .record import Flow

MAX_SIGN_INS = 3
LOOP_SECONDS = 60


def choose_slot(taken: Mapping[int, Flow | None], slots: int, random_byte: int) -> int:
    """Return the slot for a new flow.

    Args:
        taken: The slots for which a cookie came, with the flow in it; None for a cookie that does not open.
        slots: How many there are.
        random_byte: Chooses among the free ones, so that tabs that start at the same time, none of which
            sees the others' cookies, mostly do not take the same.
    """
    free = [slot for slot in range(slots) if taken.get(slot) is None]
    if free:
        return free[random_byte % len(free)]
    return min(taken, key=lambda slot: _age_key(taken[slot]))


def _age_key(flow: Flow | None) -> int:
    return flow.started_at if flow else 0


def count_sign_in(cookie: str, now: int) -> str:
    """Return the rounds cookie after one more sign-in that ended well: ``count.epoch``."""
    return f"{recent_sign_ins(cookie, now) + 1}.{now}"


def recent_sign_ins(cookie: str, now: int) -> int:
    """Return how many sign-ins ended well within the last minute.

    The cookie is the browser's own word, and all that it can bring about is the page that explains loops.
    """
    count, _, at = cookie.partition(".")
    if not (count.isascii() and count.isdigit() and at.isascii() and at.isdigit() and len(cookie) < 24):
        return 0
    return int(count) if 0 <= now - int(at) <= LOOP_SECONDS else 0


def is_sign_in_loop(cookie: str, now: int) -> bool:
    """Tell whether somebody signed in three times in a minute and still has no session."""
    return recent_sign_ins(cookie, now) >= MAX_SIGN_INS
