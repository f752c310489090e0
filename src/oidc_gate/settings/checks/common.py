"""Checks that apply to every field: types, stray characters, ranges, choices, files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..constraints import Trait
from ..parse import ValueProblem, typed
from ..report import Derived, Draft, Findings, unusable, wrong
from ..schema import SCHEMA, Kind, Setting

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_types(draft: Draft) -> Findings:
    """Check that every value has its type, and give it its normal form: a tuple, a float."""
    for name, setting in SCHEMA.items():
        value = getattr(draft.settings, name)
        try:
            normal = typed(setting, value)
        except ValueProblem as error:
            yield from unusable(name, error.code, **error.details)
        else:
            if normal is not value:
                yield Derived(name, normal)


def check_texts(draft: Draft) -> Findings:
    """Check that required settings are there, and that no text has stray white space or control characters."""
    for name, setting in SCHEMA.items():
        value = getattr(draft.settings, name)
        if setting.is_required and not value:
            yield from unusable(name, "empty" if name in draft.sources else "missing", variable=name.upper())
        elif setting.kind is Kind.LIST:
            yield from _check_list(draft, setting, value)
        elif isinstance(value, str) and value != setting.default:
            yield from _check_items(setting, (value,))


def _check_list(draft: Draft, setting: Setting, items: Sequence[str]) -> Findings:
    if not items and setting.name in draft.sources and Trait.NOT_EMPTY in setting.traits:
        yield wrong(setting.name, "empty")
    yield from _check_items(setting, items)


def _check_items(setting: Setting, items: Sequence[str]) -> Findings:
    for item in items:
        if not item.strip():
            yield from unusable(setting.name, "blank_item" if setting.kind is Kind.LIST else "empty")
        elif Trait.KEY in setting.traits:
            continue
        elif item != item.strip():
            yield from unusable(setting.name, "outer_space")
        elif _CONTROLS.search(item):
            yield from unusable(setting.name, "control_character")
        elif setting.max_length is not None and len(item) > setting.max_length:
            yield from unusable(setting.name, "too_long", length=len(item), most=setting.max_length)


def check_ranges(draft: Draft) -> Findings:
    """Check every number against its range."""
    for name, setting in SCHEMA.items():
        value = getattr(draft.settings, name)
        if setting.range is None or value is None:
            continue
        low, high = setting.range
        if not low <= value <= high:  # a NaN is in no range
            yield from unusable(name, "out_of_range", value=value, low=low, high=high)


def check_choices(draft: Draft) -> Findings:
    """Check every text that must be one of a few choices."""
    for name, setting in SCHEMA.items():
        value = getattr(draft.settings, name)
        if setting.kind is not Kind.TEXT or not setting.choices or value is None or value in setting.choices:
            continue
        meant = next((choice for choice in setting.choices if _is_meant(value, choice)), "")
        hint = f": you probably mean {meant}" if meant else ""
        yield from unusable(name, "not_one_of", value=value, choices=", ".join(setting.choices), hint=hint)


def _is_meant(value: str, choice: str) -> bool:
    plain = value.strip().lower().replace("-", "_").replace(".", "_")
    return plain == choice.lower() or choice.lower().endswith(f"_{plain}")


def check_files(draft: Draft) -> Findings:
    """Check that every file that a setting names can be read."""
    for name, setting in SCHEMA.items():
        path = getattr(draft.settings, name)
        if Trait.FILE not in setting.traits or path is None:
            continue
        if "-----BEGIN" in path:
            yield wrong(name, "file_is_text")  # without the value, which may be a key
        elif reason := _why_unreadable(path):
            yield wrong(name, "file", value=path, reason=reason)


def _why_unreadable(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        return error.strerror or "not readable"
    except ValueError:
        return "not a path"
    return ""
