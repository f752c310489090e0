"""Every path that CONTRIBUTING.md names under "Where does it go?" exists."""

from __future__ import annotations

import re

from tests.docs.blocks import REPOSITORY

SECTION = (
    (REPOSITORY / "CONTRIBUTING.md").read_text().partition("## Where does it go?")[2].partition("\n## ")[0]
)
PATHS = set(re.findall(r"`([\w./]+(?:/|\.py|\.md))`", SECTION))


def test_the_section_names_paths() -> None:
    assert {"settings/fields/", "endpoints/table.py", "tests/security/", "docs/nginx.md"} <= PATHS


def test_every_path_exists() -> None:
    roots = (REPOSITORY / "src/oidc_gate", REPOSITORY)
    missing = [path for path in PATHS if not any((root / path).exists() for root in roots)]
    assert missing == []
