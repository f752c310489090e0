"""Query strings and forms, read with bounds, and nowhere else."""

from __future__ import annotations

import re

import pytest

from oidc_gate.syntax.forms import MAX_FIELDS, MAX_FORM_LENGTH, read_form, values_of
from tests.core.test_layout import SOURCE


def test_fields_in_order_with_repeated_and_blank_ones() -> None:
    assert read_form("a=1&b=&a=%2F+x&c") == [("a", "1"), ("b", ""), ("a", "/ x"), ("c", "")]


def test_strict_refuses_a_field_without_a_value() -> None:
    with pytest.raises(ValueError, match="field"):
        read_form("a=1&c", strict=True)


@pytest.mark.parametrize(
    "text", ["&".join(["a=b"] * (MAX_FIELDS + 1)), "&" * MAX_FIELDS, "a" * (MAX_FORM_LENGTH + 1)]
)
def test_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of two origins
        read_form(text)
    assert values_of(f"{text}&state=x", "state") == []


def test_as_much_as_is_allowed() -> None:
    assert len(read_form("&".join(["a=b"] * MAX_FIELDS))) == MAX_FIELDS
    assert read_form("a" * MAX_FORM_LENGTH) == [("a" * MAX_FORM_LENGTH, "")]


def test_values_of_one_field() -> None:
    assert values_of("state=1&x=2&state=&state=3", "state") == ["1", "3"]


def test_queries_are_read_nowhere_else() -> None:
    readers = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if re.search(r"\bparse_qsl?\b|\burl_decode\b", file.read_text("utf-8"))
    }
    assert readers == {"syntax/forms.py"}
