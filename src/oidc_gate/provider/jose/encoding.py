"""Strict readers of the base64url and JSON in tokens: one spelling for each value, and limited in size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_JSON_DEPTH = 32  # .NET's reader allows 64; claims are nested two or three deep


def read_json_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`.

    It must be UTF-8 with unique names and finite numbers, and nested at most `MAX_JSON_DEPTH` deep. The caller limits
    the size. Python itself refuses integers of more than 4,300 digits.

    Raises:
        ValueError: It is anything else.

    Spec: RFC 8259; RFC 7515 §4 and RFC 7519 §4 (names are unique).
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_constant=_finite,
        )
        if not isinstance(value, dict) or _is_deeper(value, MAX_JSON_DEPTH):
            raise ValueError("not a JSON object, or too deep")
        if b"\\u" in raw:
            # Text with half a surrogate pair cannot be written to a log, a header or a cookie.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("JSON nested too deep") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name is repeated")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number


def _is_deeper(value: dict[str, Any], limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def write_json(value: Mapping[str, Any]) -> bytes:
    """Return `value` as compact JSON in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def describe_value(value: object) -> str:
    """Describe a received value for the log: a scalar by its value, anything larger only by its type."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return str(value)[:200]
