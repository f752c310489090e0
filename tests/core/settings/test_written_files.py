"""What `make settings` writes from the fields is what is committed, and says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_type_hints

import pytest

from oidc_gate.settings.keywords import LoadKeywords, SettingsKeywords
from oidc_gate.settings.schema import SCHEMA, SECRETS
from tools.settings_files import KEYWORDS, PAGE, keywords_module, page

ROWS = re.findall(r"^\| `([a-z0-9_]+)` \|.*\| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "written"),
    [(KEYWORDS, keywords_module()), (PAGE, page(PAGE.read_text(encoding="utf-8")))],
    ids=["keywords", "page"],
)
def test_the_committed_file_is_what_follows_from_the_fields(file: Path, written: str) -> None:
    assert file.read_text(encoding="utf-8") == written, "run: make settings"


def test_every_setting_is_on_the_page_in_its_order() -> None:
    assert [name for name, _ in ROWS] == list(SCHEMA)


def test_every_setting_is_a_keyword() -> None:
    assert list(get_type_hints(SettingsKeywords)) == list(SCHEMA)
    assert get_type_hints(LoadKeywords).keys() - SCHEMA.keys() == {"config", "environ"}


@pytest.mark.parametrize(("name", "meaning"), ROWS)
def test_danger_and_files_are_on_the_page(name: str, meaning: str) -> None:
    assert name.startswith("insecure_") == ("**Danger:**" in meaning)
    assert (f"OIDC_GATE_{name.upper()}_FILE" in meaning) == (name in SECRETS)


def test_ranges_and_choices_are_on_the_page() -> None:
    meanings = dict(ROWS)
    assert "From 60 to 2592000." in meanings["session_lifetime_seconds"]
    assert "From 0.5 to 60." in meanings["provider_timeout_seconds"]
    assert "One of `Lax`, `Strict`, `None`." in meanings["cookie_samesite"]
    assert "At most 100 characters." in meanings["application_name"]
