"""Templates of configuration files: text files of this package with ``{{name}}`` where a value belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_LINE = re.compile(r"^([ \t]*)\{\{(\w+)\}\}\n", re.MULTILINE)


def read_template(path: str) -> str:
    """Return a template of this package, such as ``nginx/site.conf``."""
    return files(__package__).joinpath(path).read_text(encoding="utf-8")


def fill(template: str, values: Mapping[str, str]) -> str:
    r"""Return `template` with each ``{{name}}`` replaced by its value. Values are not read as templates.

    If a placeholder is alone on a line, its value may have any number of lines. They get the indentation of the
    placeholder. If the value is empty, the line is left out.

    Example:
        >>> fill("a {\n    {{lines}}\n}\n", {"lines": "b;\nc;"})
        'a {\n    b;\n    c;\n}\n'

    Raises:
        KeyError: `values` has no such name.
    """

    def indented(match: re.Match[str]) -> str:
        lines = values[match[2]].removesuffix("\n")
        return "".join(f"{match[1] if line else ''}{line}\n" for line in lines.split("\n")) if lines else ""

    parts: list[str] = []
    end = 0
    for match in _LINE.finditer(template):
        parts += [_fill_words(template[end : match.start()], values), indented(match)]
        end = match.end()
    return "".join([*parts, _fill_words(template[end:], values)])


def _fill_words(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
