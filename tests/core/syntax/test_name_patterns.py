"""Names and patterns: only a star in a pattern is special."""

from __future__ import annotations

import time

import pytest

from oidc_gate.syntax.name_patterns import NamePatterns


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("staff", ["staff"], ["Staff", "staff2", "", "xstaff"]),
        ("app-*", ["app-", "app-1", "app-a\nb"], ["app", "xapp-1"]),
        ("*", ["", "x", "\n"], []),
        ("a*b*c", ["abc", "axbxc"], ["ab", "acb"]),
        ("a.[b]*", ["a.[b]", "a.[b]c"], ["axb", "a.b"]),
        ("**x", ["x", "yx"], ["xy"]),
        ("CN=app?*,DC=corp", ["CN=app?1,DC=corp"], ["CN=app1,DC=corp"]),
    ],
)
def test_patterns(pattern: str, names: list[str], others: list[str]) -> None:
    found = NamePatterns((), (pattern,))
    assert [name for name in names if name not in found] == []
    assert [name for name in others if name in found] == []


def test_a_literal_name_is_no_pattern() -> None:
    found = NamePatterns(("a*",), ("b*", "c"))
    assert "a*" in found
    assert "ab" not in found
    assert ("bx" in found, "c" in found, "d" in found, None in found) == (True, True, False, False)
    assert "x" not in NamePatterns((), ())


def test_several_patterns_are_alternatives_as_wholes() -> None:
    found = NamePatterns((), ("a*", "*b"))
    assert [name for name in ("ax", "xb", "axb", "xay") if name in found] == ["ax", "xb", "axb"]


@pytest.mark.slow
def test_many_stars_take_no_time() -> None:
    found, before = NamePatterns((), ("*a*a*a*b",)), time.process_time()
    assert "a" * 512 not in found
    assert time.process_time() - before < 10
