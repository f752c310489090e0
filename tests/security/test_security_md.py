"""SECURITY.md names a test for every promise; each is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_is_named_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    promises = re.findall(r"^\| (?!promise|-)(.+?) \| (.+) \|$", text, re.MULTILINE)
    assert len(promises) > 20
    for promise, held_by in promises:
        names = re.findall(r"`([^`]+)`", held_by)
        assert names, promise
        for name in names:
            if name.startswith("make "):
                continue
            if "/" in name or name.endswith(".py"):
                assert (ROOT / name).exists() or (Path(__file__).parent / name).exists(), name
            else:
                assert f"def {name}(" in sources, name
