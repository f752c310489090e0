"""The logger ``oidc_gate.audit``: users who signed in, signed out or were refused, and forged cookies.

Its events are those of `oidc_gate.observe.events.AUDIT`, all at INFO. Any client can cause any number of some of them.
Of each event at most `MAX_A_MINUTE` are therefore logged in a minute, and the next one says how many were left out.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from ..model import Identity, Reason
from .events import AUDIT, EVENTS

audit_log = logging.getLogger("oidc_gate.audit")

MAX_A_MINUTE = 120
"""The limit for one event without a session, in one process. A line has less than 1 kB."""
REFRESHED = "refreshed"
"""The code of a refresh that confirmed the session. Such events are at DEBUG, because there are many."""
_REFRESH = "refresh"  # logged when it happens, not with a decision: the next request may come much later
_BY_CODE = {code: event for event, entry in AUDIT.items() for code in entry.codes if event != _REFRESH}
_OF_SESSIONS = frozenset({"sign_out"})
_BOUNDED = frozenset({"sign_in_failed", "forged_cookie", "revocation"})


def event_of(reason: Reason, identity: Identity | None, *, is_callback: bool) -> str | None:
    """Return the audit event for `reason`, or None if there is none.

    Args:
        is_callback: Whether it is the reason for an answer of the callback.
    """
    event = _BY_CODE.get(reason.code)
    if reason.code not in EVENTS:
        return "sign_in_failed" if is_callback else None
    return None if event in _OF_SESSIONS and identity is None else event


def record(
    event: str,
    fields: dict[str, object],
    reason: Reason,
    identity: Identity | None,
    client: Callable[[], str],
) -> None:
    """Log an audit event.

    Args:
        fields: The fields of the line about the decision.
        client: Returns the address of the client.
    """
    if not audit_log.isEnabledFor(logging.INFO):
        return
    left_out = _limit.left_out(event) if event in _BOUNDED else 0
    if left_out is None:
        return
    session_id = reason.session_id or (identity.session_id if identity else "")
    fields = {"event": event, **fields, "client": client()}
    if session_id:
        fields["session_id"] = session_id
    if left_out:
        fields["left_out"] = left_out
    _log(logging.INFO, fields)


def refreshed(code: str, identity: Identity, detail: str = "") -> None:
    """Log that the provider was asked again about the user of a session.

    Args:
        code: `REFRESHED`, or the code of the error that ended the session.
        identity: The identity in the session.
    """
    level = logging.DEBUG if code == REFRESHED else logging.INFO
    if audit_log.isEnabledFor(level):
        fields = {
            "event": _REFRESH,
            "code": code,
            "subject": identity.subject,
            "session_id": identity.session_id,
            "detail": detail,
        }
        _log(level, {name: value for name, value in fields.items() if value})


def _log(level: int, fields: dict[str, object]) -> None:
    words = " ".join(f"{name}={_word(value)}" for name, value in fields.items() if name != "event")
    audit_log.log(level, "%s %s", fields["event"], words, extra={"oidc_gate": fields})


def _word(value: object) -> str:
    return str(value) if isinstance(value, int) else ascii(value)


class RateLimit:
    """A limit for lines that any client can cause. It is safe under threads.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, max_a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max, self._clock = max_a_minute, clock
        self._counts: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def forked(self) -> None:
        """Replace the lock in a child process, because another thread of the parent may have held it at the fork."""
        self._counts, self._lock = {}, threading.Lock()

    def left_out(self, event: str) -> int | None:
        """Return how many lines were left out before this one, or None if this one has to be left out too."""
        now = self._clock()
        with self._lock:
            begun, count = self._counts.get(event, (now, 0))
            left_out = 0
            if now - begun >= 60:
                left_out, begun, count = max(0, count - self._max), now, 0
            self._counts[event] = begun, count + 1
        return left_out if count < self._max else None


_limit = RateLimit(MAX_A_MINUTE)
os.register_at_fork(after_in_child=_limit.forked)
