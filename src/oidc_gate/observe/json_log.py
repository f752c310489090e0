"""One JSON object a line, for `oidc-gate serve --log-format json` and for the logging of an application."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from . import current


class JSONFormatter(logging.Formatter):
    """Format each record as one line with one JSON object.

    Every object has ``time`` (UTC, with milliseconds), ``level``, ``logger``, ``pid`` and ``message``. The lines of the
    gate about decisions have the fields that ``docs/events.md`` lists in addition, any other line that is logged while
    the gate decides about a request has ``request_id``, and a line about an exception has ``exception``. The line is
    ASCII: line breaks, other control characters and surrogates are escaped, so no value can begin a second line or
    change what a terminal shows.

    The request ID is that of the thread, or of the task, that formats the record. With a
    `logging.handlers.QueueHandler`, set this formatter there, and not at the handler of the listener.

    Example:
        >>> handler.setFormatter(JSONFormatter())

    Spec: RFC 8259; RFC 3339 §5.6.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for `record`, without a line break at its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        given = getattr(record, "oidc_gate", None)
        if isinstance(given, dict):
            fields |= {name: value for name, value in given.items() if name not in fields}
        if request_id := current.request_id():
            fields.setdefault("request_id", request_id)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        elif record.exc_text:
            fields["exception"] = record.exc_text
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return _to_json({name: _text(value) for name, value in fields.items()})


_to_json = json.JSONEncoder(separators=(",", ":"), default=str).encode


def _text(value: object) -> object:
    """Return a text without surrogates, which UTF-8 does not allow, and which some readers refuse even if escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
