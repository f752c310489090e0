"""The catalogue is data: names are unique, every text can be filled, and `docs/causes.md` is written from it."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from oidc_gate.check.catalogue import CAUSES, PARTS
from oidc_gate.check.findings import Cause, Finding
from tools.causes_page import PAGE, page

DOCS = PAGE.parent
SOURCE = Path(__file__).parents[3] / "src/oidc_gate/check"
ALL = [cause for causes in PARTS.values() for cause in causes]


def test_names_are_unique_and_there_are_enough() -> None:
    assert len(CAUSES) == len(ALL) >= 60


@pytest.mark.parametrize("cause", ALL, ids=lambda cause: cause.name)
def test_a_cause_is_complete(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{4,40}", cause.name)
    assert cause.severity in ("error", "warning")
    for text in (cause.what, cause.seen, cause.fix):
        assert text
        assert not text.endswith((".", " "))
        fields = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        assert all(name.isidentifier() for name in fields)
    finding = Finding(cause, "settings")
    assert "{" not in finding.what + finding.seen
    file, _, heading = cause.read.partition("#")
    text = (DOCS / file).read_text()
    slugs = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    assert not heading or heading in slugs
    assert set(cause.explained_by) <= CAUSES.keys()
    assert cause.name not in cause.explained_by


def test_the_page_is_written_from_the_catalogue() -> None:
    assert PAGE.read_text() == page(), "run: make causes"


def test_every_cause_is_used() -> None:
    files = [file for file in SOURCE.rglob("*.py") if "catalogue" not in file.parts]
    text = "".join(file.read_text() for file in files)
    unused = [name for part in PARTS for name in _names(part) if f'"{name}"' not in text]
    assert unused == []


def _names(part: str) -> list[str]:
    return [cause.name for cause in PARTS[part]]
