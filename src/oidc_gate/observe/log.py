"""The log of the logger ``oidc_gate``: one line for each decision, at the level from `oidc_gate.observe.events`.

Each line begins with the request ID, which error pages show too. A line never contains a query string, cookie, token,
code or secret, and contains text from a client only in escaped form.
"""

from __future__ import annotations

import logging

from ..model import Allow, Decision, Reason, Request
from .events import EVENTS, UNLISTED

log = logging.getLogger("oidc_gate")

MAX_PATH_LENGTH = 200  # characters; a client chooses the path


def is_verbose() -> bool:
    """Return whether the log shows every decision."""
    return log.isEnabledFor(logging.DEBUG)


def decided(request: Request, decision: Decision) -> None:
    """Log the reason for `decision`, and the notes that came with it."""
    answer = "allowed" if isinstance(decision, Allow) else str(decision.status)
    for reason in (decision.reason, *decision.reason.notes):
        level = EVENTS.get(reason.code, UNLISTED).level
        if log.isEnabledFor(level):
            log.log(
                level, "%s %s: %s: %s", request.request_id, _request_line(request), answer, _words(reason)
            )


def _words(reason: Reason) -> str:
    rule = f" ({reason.rule})" if reason.rule else ""
    return f"{reason.code}{rule}: {reason.detail}" if reason.detail else reason.code + rule


def _request_line(request: Request) -> str:
    return f"{ascii(request.method)[1:-1][:20]} {ascii(request.path[:MAX_PATH_LENGTH])[1:-1]}"
