"""Whole texts, kept in files. ``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes them anew: read the difference."""

from __future__ import annotations

import os
from pathlib import Path


def compare(file: Path, text: str) -> None:
    """Hold `text` against the content of `file`, or write it."""
    if os.environ.get("OIDC_GATE_WRITE_SNAPSHOTS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file} differs; OIDC_GATE_WRITE_SNAPSHOTS=1 writes it anew"
