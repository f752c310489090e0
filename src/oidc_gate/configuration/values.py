"""Types: what a setting may be given as, and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import Field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .report import Report

LIST = "tuple[str, ...]"
PAIRS = "Mapping[str, str]"
SPACE_SEPARATED = frozenset({"scopes", "acr_values"})  # as the protocol writes them (RFC 6749 §3.3)

BOOLEANS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


class Problem(NamedTuple):
    """Why a text is no value: a code of `faults.KINDS` and what fills it."""

    code: str
    details: dict[str, object]


WANTED = {
    "str": 'text in quotes: "..."',
    "int": "a whole number without quotes",
    "float": "a number without quotes",
    "bool": "true or false, without quotes",
    LIST: 'a list of texts: ["...", "..."]',
    PAIRS: 'a table of texts: { name = "value" }',
}


def kind_of(field: Field[Any]) -> str:
    """Return the type of `field` as it is annotated, without ``| None``."""
    return str(field.type).removesuffix(" | None")


def from_text(name: str, kind: str, text: str) -> Any | Problem:
    """Return the value that an environment variable means, or the `Problem` with it."""
    if kind == "bool":
        return BOOLEANS.get(text.strip().lower(), Problem("not_boolean", {"value": text}))
    if kind == "int":
        is_number = re.fullmatch("-?[0-9]{1,18}", text.strip())
        return int(text) if is_number else Problem("not_integer", {"value": text, "example": "3600"})
    if kind == "float":
        return _float(text)
    if kind == LIST:
        if name in SPACE_SEPARATED and "," not in text:
            return tuple(text.split())
        return tuple(item.strip() for item in text.split(","))
    return _pairs(text) if kind == PAIRS else text


def _float(text: str) -> float | Problem:
    try:
        return float(text)
    except ValueError:
        return Problem("not_number", {"value": text, "example": "2.5"})


def _pairs(text: str) -> Mapping[str, str] | Problem:
    """Read ``k=v,k2=v2``, or a query string, whose values are percent-decoded."""
    if "&" in text or "%" in text:
        from urllib.parse import parse_qsl

        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            return Problem("not_pairs", {})
    else:
        split = [item.strip().partition("=") for item in text.split(",")]
        if not all(name and equals for name, equals, _ in split):
            return Problem("not_pairs", {})
        pairs = [(name.strip(), value.strip()) for name, _, value in split]
    return dict(pairs) if len(dict(pairs)) == len(pairs) else Problem("not_pairs", {})


def normalise(report: Report, field: Field[Any]) -> None:
    """Give one setting its type, or report that it has a wrong one."""
    name, value, kind = field.name, getattr(report.settings, field.name), kind_of(field)
    if name in report.broken or (value is None and field.default is None):
        return
    if kind == LIST and isinstance(value, str):
        value = tuple(value.split()) if name in SPACE_SEPARATED else (value,)
    if not _fits(kind, value):
        report.unusable(name, "wrong_type", got=_called(value), wanted=WANTED[kind])
    elif kind == LIST:
        report.put(name, tuple(value))
    elif kind == PAIRS:
        report.put(name, MappingProxyType(dict(value)))
    elif kind == "float":
        report.put(name, float(value))


def _fits(kind: str, value: object) -> bool:
    if kind == LIST:
        return _is_list(value) and all(isinstance(item, str) for item in value)  # type: ignore[attr-defined]
    if kind == PAIRS:
        return isinstance(value, Mapping) and all(isinstance(x, str) for pair in value.items() for x in pair)
    if isinstance(value, bool):  # a bool is an int to Python, and not to us
        return kind == "bool"
    if kind == "float":
        return isinstance(value, int | float)
    return isinstance(value, {"str": str, "int": int, "bool": bool}[kind])


def _is_list(value: object) -> bool:
    is_sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
    return is_sequence or isinstance(value, set | frozenset)


def _called(value: object) -> str:
    """Name the type of `value`; never the value, which may be a secret in the wrong place."""
    if value is None:
        return "None"
    if _is_list(value):
        return "a list that holds something other than text" if value else "a list"
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        bytes: "bytes",
        dict: "a table",
    }
    return names.get(type(value), f"a {type(value).__name__}")
