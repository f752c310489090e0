"""The fields of a request that tests compare as a whole."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from oidc_gate.model import Request

PLAIN = {
    "method": "GET",
    "scheme": "http",
    "mount": "",
    "path": "/",
    "raw_path": "/",
    "query": "",
    "headers": [],
    "peer": "unix",
    "is_websocket": False,
    "is_ambiguous": False,
}


def told(request: Request) -> dict[str, Any]:
    """Return the fields of a request, without its ID."""
    assert request.request_id == request.number
    found = {each.name: getattr(request, each.name) for each in fields(request)}
    found["headers"] = list(request.headers)
    return {name: value for name, value in found.items() if name not in ("request_id", "number")}
