"""The ID of a request in the log: that of a trusted proxy, or the gate's own."""

from __future__ import annotations

import re
from dataclasses import replace

from ..model import Request
from .forwarded import TrustedProxies

_GIVEN = re.compile(r"[\w.-]{1,64}", re.ASCII)
# W3C Trace Context §3.2: version, trace-id, parent-id, flags. A later version may append more fields.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NO_TRACE, _NO_PARENT = "0" * 32, "0" * 16


def with_request_id(request: Request, trusted: TrustedProxies) -> Request:
    """Return `request` with the ID that a trusted proxy sent, if it sent one.

    This is ``X-Request-Id``, or else the trace ID of ``traceparent``. A header that is repeated, or that contains
    anything but letters, digits, ``_``, ``.`` and ``-``, is ignored, because the ID is written into logs and pages.

    Spec: W3C Trace Context §3.2.2.
    """
    headers = request.headers
    if not trusted.trusts(request.peer):
        return request
    given = headers.all("x-request-id")
    if len(given) == 1 and _GIVEN.fullmatch(given[0]):
        return replace(request, request_id=given[0])
    found = traceparent_of(headers.all("traceparent"))
    return replace(request, request_id=found[0]) if found else request


def traceparent_of(values: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Return the trace ID, the parent ID and the flags of the only ``traceparent`` in hexadecimal digits, or None."""
    found = _TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_PARENT:
        return None
    # Version 00 has exactly four fields.
    return None if found[4] and values[0].startswith("00") else (found[1], found[2], found[3])
