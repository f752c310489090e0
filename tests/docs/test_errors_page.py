"""`docs/errors.md` explains every code that can stand on a page or in a problem, and no other."""

from __future__ import annotations

import re

from tests.docs.blocks import REPOSITORY
from tests.docs.error_codes import error_codes, token_claims

PAGE = (REPOSITORY / "docs/errors.md").read_text()
BEFORE, _, REST = PAGE.partition("## Tokens that are refused")
TOKENS, _, AFTER = REST.partition("\n## ")


def rows(text: str) -> list[str]:
    return re.findall(r"^\| `([a-z_]+)` \| \S.* \|$", text, re.MULTILINE)


def test_the_source_is_read() -> None:
    codes = error_codes()
    for known in (
        "flow_used",
        "flow_missing",
        "callback_iss",
        "seal_foreign",
        "provider_tls",
        "sign_in_loop",
    ):
        assert known in codes
    assert {"aud", "signature", "kid", "events"} <= token_claims()


def test_every_code_is_explained_once_and_nothing_else() -> None:
    assert sorted(rows(BEFORE + AFTER)) == sorted(error_codes())


def test_every_claim_is_explained_once_and_nothing_else() -> None:
    assert sorted(rows(TOKENS)) == sorted(token_claims())


def test_each_has_cause_and_remedy() -> None:
    for line in (BEFORE + AFTER).splitlines():
        if line.startswith("| `"):
            assert len([cell for cell in line.strip("|").split(" | ") if cell.strip()]) == 3, line
