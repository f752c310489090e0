"""The log, under ``oidc_gate``.

DEBUG: every decision, in one line that says why. INFO: discovery and sign-ins. WARNING: a sign-in that failed.
ERROR: a configuration that makes requests fail. Each line begins with the request id, which stands on error
pages too. Never a query string, cookie, token, code or secret; what a client chose is shown escaped.
"""

from __future__ import annotations

import logging

from ..errors import GateError
from ..model import Request

log = logging.getLogger("oidc_gate")

_LONGEST_PATH = 200


def decided(request: Request, answer: str, why: str) -> None:
    """Log a decision at DEBUG: what was answered, and why."""
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s %s: %s (%s)", request.request_id, _line(request), answer, why)


def failed(request: Request, error: GateError, status: int | None = None) -> None:
    """Log a sign-in or another request that failed, with what only the log may know.

    Args:
        status: What was answered, where that is not the error's own status.
    """
    log.warning("%s %s: %s: %s", request.request_id, _line(request), status or error.status, str(error))


def signed_in(request: Request, subject: str, groups: int, address: str) -> None:
    """Log a sign-in at INFO."""
    log.info(
        "%s signed in: sub=%s, %d group(s), from %s", request.request_id, ascii(subject), groups, address
    )


def odd(request: Request, message: str) -> None:
    """Log, at WARNING, what nobody but a client brought about."""
    log.warning("%s %s: %s", request.request_id, _line(request), message)


def misconfigured(request: Request, message: str) -> None:
    """Log, at ERROR, what an operator has to change."""
    log.error("%s %s: %s", request.request_id, _line(request), message)


def _line(request: Request) -> str:
    return f"{ascii(request.method)[1:-1][:20]} {ascii(request.path[:_LONGEST_PATH])[1:-1]}"
