"""Every relative link of README and docs leads somewhere, headings included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, REPOSITORY

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
EXISTING = [page for page in PAGES if page.exists()]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EXISTING, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for address, anchor in _LINK.findall(text):
        target = (page.parent / address).resolve() if address else page
        assert target.exists(), address
        if anchor:
            assert anchor in anchors(target), f"{address}#{anchor}"
