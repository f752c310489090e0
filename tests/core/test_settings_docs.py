"""`docs/settings.md` says what is so: every setting, its variable, its type and its default."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from oidc_gate.configuration.general import CHOICES, RANGES
from oidc_gate.configuration.report import default
from oidc_gate.configuration.values import kind_of
from oidc_gate.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| `([A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
ROWS = {row[1]: row for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}
TYPES = {
    "str": "text",
    "tuple[str, ...]": "list",
    "Mapping[str, str]": "pairs",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
}
FIELDS = {field.name: field for field in fields(Settings)}


def shown_default(name: str) -> str:
    field = FIELDS[name]
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    value = default(field)
    if value is None or value in ((), "", {}):
        return "not set"
    text = (
        str(value).lower()
        if isinstance(value, bool)
        else ",".join(value)
        if isinstance(value, tuple)
        else str(value)
    )
    return f"`{text}`"


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    assert list(ROWS) == list(FIELDS)


@pytest.mark.parametrize("name", list(FIELDS))
def test_the_row_is_true(name: str) -> None:
    row = ROWS[name]
    assert row[2] == f"OIDC_GATE_{name.upper()}"
    assert row[3] == TYPES[kind_of(FIELDS[name])]
    assert row[4] == shown_default(name)
    assert name.startswith("insecure_") == ("**Danger:**" in row[5])


@pytest.mark.parametrize("name", list(RANGES))
def test_bounds_are_on_the_page(name: str) -> None:
    low, high = RANGES[name]
    upper = "the lifetime" if name == "session_idle_seconds" else str(high)
    assert f"{low} to {upper}" in ROWS[name][5]


@pytest.mark.parametrize("name", list(CHOICES))
def test_choices_are_on_the_page(name: str) -> None:
    assert all(f"`{choice}`" in ROWS[name][5] for choice in CHOICES[name])
