"""The pages of the documentation, which are part of the installed package: sections, and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

_HEADING = re.compile(r"(#{1,6}) (.+)")
_CELL = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """One row of a table.

    Attributes:
        page: The name of the page, such as ``errors.md``.
        heading: The heading above the table.
        names: The names in its first cell.
        cells: The other cells, each with the title of its column.
    """

    page: str
    heading: str
    names: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]


@cache
def _root() -> Traversable:
    packaged = files("oidc_gate") / "docs"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "docs"  # an editable installation


@cache
def page_names() -> tuple[str, ...]:
    """Return the names of all pages and of the files that they name, such as ``nginx.md`` and ``nginx/redirect.conf``.

    There are none if the package was installed without them.
    """
    root = _root()
    return tuple(sorted(_names_in(root, ""))) if root.is_dir() else ()


def _names_in(folder: Traversable, path: str) -> Iterator[str]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _names_in(each, f"{path}{each.name}/")
        elif not each.name.endswith(".svg"):
            yield path + each.name


def page(name: str) -> str:
    """Return a page as Markdown.

    Raises:
        KeyError: There is no such page.
    """
    if name not in page_names():
        raise KeyError(name)
    return _root().joinpath(*name.split("/")).read_text("utf-8")


def title(name: str) -> str:
    """Return the first heading of a page."""
    return next((text for _, text, _ in _headings(page(name))), name)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def section(name: str, anchor: str) -> str:
    """Return the section of a page that begins with the heading of `anchor`, with those below it.

    Raises:
        KeyError: There is no such page, or no such heading.
    """
    text = page(name)
    found = [(level, at) for level, heading, at in _headings(text) if slug(heading) == anchor]
    if not found:
        raise KeyError(anchor)
    level, start = found[0]
    ends = [at for other, _, at in _headings(text) if at > start and other <= level]
    return text[start : min(ends, default=len(text))].rstrip() + "\n"


def anchors(name: str) -> list[str]:
    """Return the anchors of a page."""
    return [slug(heading) for _, heading, _ in _headings(page(name))]


def _headings(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield level, text and position of each heading, without comments in code."""
    at, is_code = 0, False
    for line in text.splitlines(keepends=True):
        is_code ^= line.startswith("```")
        match = _HEADING.match(line)
        if match and not is_code:
            yield len(match[1]), match[2].strip(), at
        at += len(line)


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Return the rows of all tables of a page whose first cell has a name in backticks."""
    return tuple(_rows(name))


def _rows(name: str) -> Iterator[Row]:
    heading, columns = "", [""]
    for line in page(name).splitlines():
        if match := _HEADING.match(line):
            heading = match[2].strip()
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in _CELL.split(line.strip().removeprefix("|").removesuffix("|"))]
        if not columns:
            columns = cells
        elif names := tuple(_CODE.findall(cells[0])):
            yield Row(name, heading, names, tuple(zip(columns[1:], cells[1:], strict=False)))
