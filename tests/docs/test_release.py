"""A released version has the URLs that a package index shows beside it."""

from __future__ import annotations

import re
import tomllib

from tests.docs.blocks import REPOSITORY

URLS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["urls"]
CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text()
RELEASED = re.findall(r"^## \[\d+\.\d+\.\d+\] - \d{4}-", CHANGELOG, re.MULTILINE)


def test_a_release_names_its_urls() -> None:
    assert set(URLS) == ({"Documentation", "Repository", "Changelog", "Issues"} if RELEASED else set())


def test_no_url_is_a_placeholder() -> None:
    for url in URLS.values():
        assert re.fullmatch(r"https://(?!.*example\.)[^/]+/.+", url), url
