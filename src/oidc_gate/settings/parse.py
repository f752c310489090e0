"""Converts the given values to the types of the settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from itertools import chain
from types import MappingProxyType
from typing import Any

from ..syntax.forms import read_form
from .constraints import Trait
from .schema import Kind, Setting

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
EXPECTED = {
    Kind.TEXT: 'text in quotes: "..."',
    Kind.INTEGER: "a whole number without quotes",
    Kind.NUMBER: "a number without quotes",
    Kind.BOOLEAN: "true or false, without quotes",
    Kind.LIST: 'a list of texts: ["...", "..."]',
    Kind.PAIRS: 'a table of texts: { name = "value" }',
}


class ValueProblem(Exception):
    """The given value is not a value of the setting.

    Args:
        code: A key of `problems.TEMPLATES`.
        details: The values of the placeholders in its texts.
    """

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


def from_text(setting: Setting, text: str) -> Any:
    """Return the value that an environment variable means.

    Raises:
        ValueProblem: The text does not mean a value of that type.
    """
    match setting.kind:
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.INTEGER:
            return _integer(text)
        case Kind.NUMBER:
            return _number(text)
        case Kind.LIST:
            return _list(text, by_spaces=Trait.SPACE_SEPARATED in setting.traits)
        case Kind.PAIRS:
            return _pairs(text)
    return text


def _boolean(text: str) -> bool:
    try:
        return BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueProblem("not_boolean", value=text) from None


def _integer(text: str) -> int:
    digits = text.strip()
    if not re.fullmatch("-?[0-9]{1,18}", digits):
        raise ValueProblem("not_integer", value=text, example="3600")
    return int(digits)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueProblem("not_number", value=text, example="2.5") from None


def _list(text: str, *, by_spaces: bool) -> tuple[str, ...]:
    if by_spaces and "," not in text:
        return tuple(text.split())
    return tuple(item.strip() for item in text.split(","))


def _pairs(text: str) -> Mapping[str, str]:
    """Read ``k=v,k2=v2``, or a query string, whose values are percent-decoded."""
    if "&" in text or "%" in text:
        try:
            pairs = read_form(text, strict=True)
        except ValueError:
            raise ValueProblem("not_pairs") from None
    else:
        split = [item.strip().partition("=") for item in text.split(",")]
        if not all(equals for _, equals, _ in split):
            raise ValueProblem("not_pairs")
        pairs = [(name.strip(), value.strip()) for name, _, value in split]
    if len(dict(pairs)) != len(pairs):
        raise ValueProblem("not_pairs")
    return dict(pairs)


def typed(setting: Setting, value: Any) -> Any:
    """Return `value` as the type of the setting.

    Raises:
        ValueProblem: ``wrong_type``.
    """
    if value is None and setting.may_be_none:
        return None
    if setting.kind is Kind.LIST and isinstance(value, str):
        value = tuple(value.split()) if Trait.SPACE_SEPARATED in setting.traits else (value,)
    if not _fits(setting.kind, value):
        raise ValueProblem("wrong_type", got=_described(value), expected=EXPECTED[setting.kind])
    match setting.kind:
        case Kind.LIST:
            return tuple(value)
        case Kind.PAIRS:
            return MappingProxyType(dict(value))
        case Kind.NUMBER:
            return _as_float(value)
    return value


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond 1.8e308, which no range includes
        return math.inf


def _fits(kind: Kind, value: object) -> bool:
    if isinstance(value, bool):  # to Python a bool is an int
        return kind is Kind.BOOLEAN
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.INTEGER:
            return isinstance(value, int)
        case Kind.NUMBER:
            return isinstance(value, int | float)
        case Kind.LIST:
            return _is_list(value) and _has_only_texts(value)
        case Kind.PAIRS:
            return isinstance(value, Mapping) and _has_only_texts(value)
    return False


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | bytearray)


def _has_only_texts(value: Any) -> bool:
    each = chain.from_iterable(value.items()) if isinstance(value, Mapping) else value
    return all(isinstance(item, str) for item in each)


def _described(value: object) -> str:
    """Return the type of `value` in words; never the value, which may be a secret in the wrong place."""
    if value is None:
        return "None"
    if _is_list(value) or isinstance(value, Mapping):
        kind = "a list" if _is_list(value) else "a table"
        return kind if _has_only_texts(value) else f"{kind} that contains something other than text"
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        bytes: "bytes",
    }
    return names.get(type(value), f"a {type(value).__name__}")
