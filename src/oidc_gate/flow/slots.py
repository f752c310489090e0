"""The choice among the eight flow cookies, and the detection of sign-in loops.

The fixed number of slots limits what a hundred tabs leave behind. oauth2-proxy and Authlib added one cookie for each
tab until servers refused the request header.
"""

from __future__ import annotations

from collections.abc import Mapping

from .record import Flow

MAX_SIGN_INS = 3  # a user rarely signs in three times within a minute
LOOP_SECONDS = 60


def choose_slot(taken: Mapping[int, Flow | None], slots: int, random_byte: int) -> int:
    """Return the slot for a new flow.

    Args:
        taken: The slots whose cookies the request has, with their flows; None for a cookie that cannot be opened.
        slots: The number of slots.
        random_byte: Chooses among the free slots, so that tabs that start at the same time, and do not see each
            other's cookies, rarely choose the same one.
    """
    flows = {slot: flow for slot, flow in taken.items() if flow is not None}
    free = [slot for slot in range(slots) if slot not in flows]
    if free:
        return free[random_byte % len(free)]
    return min(flows, key=lambda slot: flows[slot].started_at)


def count_sign_in(cookie: str, now: int) -> str:
    """Return the value of the rounds cookie after one more successful sign-in: ``count.epoch``."""
    return f"{recent_sign_ins(cookie, now) + 1}.{now}"


def recent_sign_ins(cookie: str, now: int) -> int:
    """Return the number of successful sign-ins within the last minute.

    A client can write any value into the cookie. All that it can cause is the page that explains loops.
    """
    count, _, at = cookie.partition(".")
    if not (count.isascii() and count.isdigit() and at.isascii() and at.isdigit() and len(cookie) < 24):
        return 0
    return int(count) if 0 <= now - int(at) <= LOOP_SECONDS else 0


def is_sign_in_loop(cookie: str, now: int) -> bool:
    """Return whether the user signed in three times within a minute and still has no session."""
    return recent_sign_ins(cookie, now) >= MAX_SIGN_INS
