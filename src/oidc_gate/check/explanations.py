"""Explains a name: a cause of the check, an error code, an event, a setting, a metric, or a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from . import pages
from .catalogue import CAUSES
from .findings import Cause, Finding
from .lines import labelled, wrapped

TABLES = ("errors.md", "events.md", "settings.md", "metrics.md", "endpoints.md")
"""The pages whose tables explain names."""
TOKENS = ("id_token_", "logout_token_", "userinfo_")
_TOKEN_COLUMN = "expected"
MAX_SUGGESTIONS = 3
_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")


class UnknownNameError(LookupError):
    """Nothing has this name. The message suggests similar names."""


def command(name: str) -> str:
    """Return the command that explains a name."""
    return f"oidc-gate explain {name}"


def explain(name: str) -> str:
    """Return the explanation of a name.

    Args:
        name: A name as a log, a page or the check shows it, or a page such as ``nginx.md`` or ``nginx.md#notes``.

    Raises:
        UnknownNameError: Nothing has this name.
    """
    asked = name.strip().removeprefix("docs/")
    if ".md" in asked or asked in pages.page_names():
        return _page(asked)
    parts = [_cause(CAUSES[asked])] if asked in CAUSES else []
    parts += [_row(row, asked) for row in _rows(asked)]
    if not parts:
        raise UnknownNameError(_unknown(name, [*CAUSES, *_known(), *pages.page_names()]))
    return "\n".join(parts)


def _page(asked: str) -> str:
    name, _, anchor = asked.partition("#")
    try:
        return pages.section(name, anchor) if anchor else pages.page(name)
    except KeyError:
        known = pages.page_names()
        choices = [f"{name}#{each}" for each in pages.anchors(name)] if name in known else list(known)
        raise UnknownNameError(_unknown(asked, choices)) from None


def _cause(cause: Cause) -> str:
    finding = Finding(cause, "", facts={"prefix": "/oauth2"})
    lines = wrapped(f"{cause.severity.upper()} {cause.name}: ", finding.what, indent=4)
    lines += labelled("users see", finding.seen) + labelled("fix", finding.fix)
    if cause.explained_by:
        lines += labelled("after", ", ".join(cause.explained_by))
    name, _, anchor = cause.read.partition("#")
    if anchor and name in pages.page_names():
        return "\n".join([*lines, "", pages.section(name, anchor)])
    return "\n".join([*lines, *labelled("more", command(cause.read))]) + "\n"


def _tables() -> tuple[str, ...]:
    return TABLES if pages.page_names() else ()


def _rows(name: str) -> Iterator[pages.Row]:
    tables = _tables()
    for page in tables:
        yield from (row for row in pages.rows(page) if name in row.names)
    for start in TOKENS if tables else ():
        if name.startswith(start):
            claim = name.removeprefix(start)
            yield from (
                row
                for row in pages.rows(tables[0])
                if claim in row.names and row.cells[0][0] == _TOKEN_COLUMN
            )


def _row(row: pages.Row, name: str) -> str:
    lines = wrapped(f"{name}: ", f"{pages.title(row.page)}, {row.heading}", indent=4)
    for label, text in row.cells:
        lines += labelled(label, _LINK.sub(_as_command, text)) if text else []
    return "\n".join([*lines, *labelled("more", command(f"{row.page}#{pages.slug(row.heading)}"))]) + "\n"


def _as_command(link: re.Match[str]) -> str:
    return f"{link[1]} ({command(link[2])})" if ".md" in link[2] else f"{link[1]} ({link[2]})"


def _known() -> list[str]:
    return [name for page in _tables() for row in pages.rows(page) for name in row.names]


def _unknown(name: str, known: list[str]) -> str:
    similar = get_close_matches(name, list(dict.fromkeys(known)), n=MAX_SUGGESTIONS, cutoff=0.6)
    advice = (
        f"did you mean {' or '.join(similar)}?"
        if similar
        else "run oidc-gate explain for a list of the pages"
    )
    return f"nothing is called {name!r}: {advice}"
