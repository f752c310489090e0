"""The mutants that no test has to notice, each with the reason: `accepted/*.txt`.

A file holds blocks, divided by empty lines. The first line is the reason in brackets and the file of the mutant; the
others are the lines that `make mutants` prints for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

REASONS = {
    "equal": "The changed code does the same.",
    "text": "Only the words that a person reads are others; a test would repeat the text.",
    "figure": "A limit or a time is slightly different, and nothing depends on the exact figure.",
    "data": "An entry of a table is different; a test would repeat the table.",
    "speed": "The result is the same, at another cost.",
    "real": "Tests with real servers notice it, in another process.",
    "kept": "A second line of defense, which cannot be reached while the first one holds.",
}
FOLDER = Path(__file__).with_name("accepted")


def read(folder: Path = FOLDER) -> dict[tuple[str, str], str]:
    """Return the reason of each mutant, by its file and its difference.

    Raises:
        ValueError: A block has no known reason, or no difference.
    """
    return {key: reason for file in sorted(folder.glob("*.txt")) for key, reason in _blocks(file)}


def _blocks(file: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for block in file.read_text().split("\n\n"):
        head, _, difference = block.strip("\n").partition("\n")
        reason, _, changed_file = head.removeprefix("[").partition("] ")
        if not head:
            continue
        if reason not in REASONS or not difference:
            raise ValueError(f"{file.name}: write a reason ({', '.join(REASONS)}) before {block!r}")
        yield (changed_file, difference), reason
