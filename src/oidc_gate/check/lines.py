"""Lines of the output: a label, and a text that is wrapped behind it."""

from __future__ import annotations

import textwrap

WIDTH = 110


def wrapped(start: str, text: str, indent: int | None = None) -> list[str]:
    """Return `text` as lines. The first one begins with `start`, and the others are indented.

    Args:
        indent: The indentation; by default the length of `start`.
    """
    after = " " * (len(start) if indent is None else indent)
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [start.rstrip()]


def labelled(label: str, text: str) -> list[str]:
    """Return a row below a heading, such as ``    fix:        write ...``."""
    return wrapped(f"    {label + ':':<11} ", text)
