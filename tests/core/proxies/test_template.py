"""Templates: words, lines, and values that look like placeholders."""

from __future__ import annotations

import pytest

from oidc_gate.proxies.template import fill, read_template


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("a {{x}};\n", "1", "a 1;\n"),
        ("a {{x}}{{x}};\n", "{{x}}", "a {{x}}{{x}};\n"),
        ("a\n    {{x}}\nb\n", "c\nd\n", "a\n    c\n    d\nb\n"),
        ("a\n    {{x}}\nb\n", "c\n\nd", "a\n    c\n\n    d\nb\n"),
        ("a\n    {{x}}\nb\n", "", "a\nb\n"),
        ("a\n{{x}}\n", "{{x}} {{y}}", "a\n{{x}} {{y}}\n"),
    ],
)
def test_fill(template: str, value: str, expected: str) -> None:
    assert fill(template, {"x": value}) == expected


@pytest.mark.parametrize("template", ["{{y}}\n", "a {{y}}\n"])
def test_a_name_that_has_no_value_is_an_error(template: str) -> None:
    with pytest.raises(KeyError):
        fill(template, {"x": ""})


def test_a_template_of_the_package() -> None:
    assert read_template("nginx/site.conf").startswith("{{about}}\n")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("{{x}}", "1\n2"),
        ("{{x}}\n", "1\n2\n"),
        ("\t{{x}}\n \t{{x}}\nend", "\t1\n\t2\n \t1\n \t2\nend"),
        ("{{x}} \n", "1\n2 \n"),
        ("a\n  {{x}}", "a\n  1\n2"),
        ("{{x}}\n{{x}}\n\n{{x}}\nb {{x}}\n", "1\n2\n1\n2\n\n1\n2\nb 1\n2\n"),
        ("{{ x }} {x} {{x}", "{{ x }} {x} {{x}"),
        ("{{x_1}}\n", "Y\n"),
    ],
)
def test_where_a_value_has_the_indentation_of_its_line(template: str, expected: str) -> None:
    assert fill(template, {"x": "1\n2", "x_1": "Y"}) == expected
