"""Whole texts, kept in files beside the tests.

``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes them anew: read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path


def check(file: Path, text: str) -> None:
    """Hold `text` against a file, or write it."""
    if os.environ.get("OIDC_GATE_WRITE_SNAPSHOTS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text + "\n", "utf-8")
    assert text.splitlines() == file.read_text("utf-8").splitlines(), (
        f"{file} differs; OIDC_GATE_WRITE_SNAPSHOTS=1 writes it anew"
    )


def plain(text: str) -> str:
    """Return a message as ASCII, with its quotes as they are."""
    return ascii(text)[1:-1].replace("\\'", "'")
