"""The code in README and docs, as it stands between the fences.

A comment in the line before a fence says what is special about the block:

| mark | meaning |
|---|---|
| `<!-- file: app.py -->` | a file: written down for later blocks of the page, and imported |
| `<!-- given: app -->` | the block goes on from something that tests/docs/given.py names so |
| `<!-- not run: why -->` | not executed |

Everything else in `python` is a program of its own; functions called `test_...` in it are called. `sh` is read for
commands of ours, `toml` is loaded as settings, `nginx` goes into a server block of a real Nginx, and `caddyfile` is
adapted by a real Caddy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "examples").rglob("*.md")),
]
LANGUAGES = frozenset(
    {"python", "sh", "toml", "nginx", "caddyfile", "json", "text", "yaml", "javascript", "html"}
)

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|given|not run): (?P<word>[^\n]+?) -->\n)?^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One block: its page, the line that it begins in, its language, its mark, and what stands in it."""

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    word: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def blocks(language: str = "") -> Iterator[Block]:
    """Return every block of every page, or those in one language."""
    for page in PAGES:
        if page.exists():
            yield from (block for block in blocks_of(page) if language in ("", block.language))


def blocks_of(page: Path) -> Iterator[Block]:
    """Return the blocks of one page, in order."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(page, line, found["language"], found["text"], found["mark"] or "", found["word"] or "")
