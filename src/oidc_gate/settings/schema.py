"""`SCHEMA`: the types, defaults and constraints of all settings, read once from the fields of `Settings`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType, NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from .constraints import MaxLength, Range, Trait
from .fields import Fields

VARIABLE_PREFIX = "OIDC_GATE_"


class Kind(Enum):
    """The type of a setting, by its name in the documentation."""

    TEXT = "text"
    LIST = "list"
    PAIRS = "pairs"
    INTEGER = "whole number"
    NUMBER = "number"
    BOOLEAN = "true or false"


class Setting(NamedTuple):
    """One setting.

    Attributes:
        default: Its value when it is not set; for a required setting an empty value of its type.
        may_be_none: Whether None is a value, which means that the setting is not set.
        choices: The values that the text, or each item of the list, may have; empty if any value is allowed.
    """

    name: str
    kind: Kind
    default: Any
    is_required: bool
    may_be_none: bool
    choices: tuple[str, ...]
    range: Range | None
    max_length: int | None
    traits: frozenset[Trait]

    @property
    def variable(self) -> str:
        """The environment variable."""
        return VARIABLE_PREFIX + self.name.upper()


_SCALARS = {str: Kind.TEXT, int: Kind.INTEGER, float: Kind.NUMBER, bool: Kind.BOOLEAN}
_EMPTY: dict[Kind, Any] = {Kind.TEXT: "", Kind.LIST: ()}


def _setting(field: dataclasses.Field[Any]) -> Setting:
    annotation: Any = field.type
    extras: list[Any] = []
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
    types = [each for each in get_args(annotation) if each is not NoneType]
    may_be_none = NoneType in get_args(annotation)
    kind, choices = _kind_of(types[0] if may_be_none else annotation)
    is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return Setting(
        name=field.name,
        kind=kind,
        default=_EMPTY[kind] if is_required else _default_of(field),
        is_required=is_required,
        may_be_none=may_be_none,
        choices=choices,
        range=next((extra for extra in extras if isinstance(extra, Range)), None),
        max_length=next((extra.characters for extra in extras if isinstance(extra, MaxLength)), None),
        traits=frozenset(extra for extra in extras if isinstance(extra, Trait)),
    )


def _kind_of(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind, and the choices if there are any."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Kind.TEXT, inside
    if origin is tuple:
        return Kind.LIST, _kind_of(inside[0])[1]
    return (Kind.PAIRS if origin is Mapping else _SCALARS[annotation]), ()


def _default_of(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


SCHEMA: Mapping[str, Setting] = MappingProxyType(
    {field.name: _setting(field) for field in dataclasses.fields(Fields)}
)
"""Every setting by its name, in the order of the documentation."""

SECRETS = frozenset(name for name, setting in SCHEMA.items() if Trait.SECRET in setting.traits)
"""Settings whose value is never shown."""
