"""The log of the logger ``oidc_gate``: one line for each decision, at the level from `oidc_gate.observe.events`.

Each line begins with the request ID, which error pages show too. A line never contains a query string, cookie, token,
code or secret, and contains text from a client only in escaped form. What a line says is also in the record's
``oidc_gate``, a dict with the fields that `docs/events.md` lists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..model import Allow, Decision, Identity, Reason, Request
from . import audit
from .events import EVENTS, UNLISTED

log = logging.getLogger("oidc_gate")

MAX_PATH_LENGTH = 200  # characters; a client chooses the path
MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core §2
_VERDICTS = {202: "allowed", 401: "sign_in", 403: "refused"}


def is_verbose() -> bool:
    """Return whether the log shows every decision."""
    return log.isEnabledFor(logging.DEBUG)


def decided(
    request: Request,
    decision: Decision,
    *,
    identity: Identity | None,
    client: Callable[[], str],
    is_callback: bool,
) -> None:
    """Log the reason for `decision`, and the notes that came with it.

    Args:
        identity: The identity of the session that the request had, whether or not its user may enter.
        client: Returns the address of the client.
        is_callback: Whether it is the answer to an authorization response.
    """
    answer = "allowed" if isinstance(decision, Allow) else str(decision.status)
    for reason in (decision.reason, *decision.reason.notes):
        level = EVENTS.get(reason.code, UNLISTED).level
        fails = is_callback and reason is decision.reason
        event = audit.event_of(reason, identity, is_callback=fails)
        is_logged = log.isEnabledFor(level)
        if not is_logged and event is None:
            continue
        fields = fields_of(request, decision, reason, identity)
        if is_logged:
            log.log(
                level,
                "%s %s: %s: %s",
                request.request_id,
                f"{fields.get('method', '')} {fields.get('path', '')}",
                answer,
                _words(reason, fields.get("subject", "")),
                extra={"oidc_gate": fields},
            )
        if event is not None:
            audit.record(event, fields, reason, identity, client)


def fields_of(
    request: Request, decision: Decision, reason: Reason, identity: Identity | None
) -> dict[str, object]:
    """Return the fields of a line by their stable names (`docs/events.md`). Fields that do not apply are left out."""
    status = None if isinstance(decision, Allow) else decision.status
    fields = {
        "request_id": request.request_id,
        "method": ascii(request.method)[1:-1][:20],
        "path": ascii(request.path[:MAX_PATH_LENGTH])[1:-1],
        "verdict": "allowed" if status is None else verdict_of(status),
        "status": status,
        "code": reason.code,
        "rule": reason.rule,
        "subject": (reason.subject or (identity.subject if identity else ""))[:MAX_SUBJECT_LENGTH],
        "detail": reason.detail,
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}


def verdict_of(status: int) -> str:
    """Return the verdict of an answer with `status`."""
    return _VERDICTS.get(status) or ("answered" if status < 400 else "error")


def _words(reason: Reason, subject: object) -> str:
    rule = f" ({reason.rule})" if reason.rule else ""
    # Details of refusals and sign-ins name the subject themselves.
    user = f" sub={subject!a}" if subject and not reason.detail.startswith("sub=") else ""
    return f"{reason.code}{rule}{user}: {reason.detail}" if reason.detail else reason.code + rule + user
