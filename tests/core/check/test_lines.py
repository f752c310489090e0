"""How a label and a text become lines."""

from __future__ import annotations

import pytest

from oidc_gate.check.lines import WIDTH, labelled, wrapped


def test_a_command_is_not_broken_at_its_hyphens() -> None:
    command = "--" + "-".join(["word"] * 8)
    text = f"{'x' * (WIDTH - 20)} {command} y"
    assert wrapped("fix: ", text) == ["fix: " + "x" * (WIDTH - 20), f"     {command} y"]


def test_a_long_word_is_not_broken() -> None:
    url = "https://a.example/" + "x" * WIDTH
    assert wrapped("a: ", f"write {url} here", indent=4) == ["a: write", f"    {url}", "    here"]


@pytest.mark.parametrize("text", ["", "  "])
def test_without_a_text_there_is_the_label(text: str) -> None:
    assert wrapped("fix: ", text) == ["fix:"]
    assert labelled("fix", text) == ["    fix:"]


def test_a_label() -> None:
    assert labelled("fix", "write it") == ["    fix:        write it"]
    first, second = labelled("users see", " ".join(["word"] * 30))
    assert first.startswith("    users see:  word word")
    assert len(first) <= WIDTH
    assert second.startswith(" " * 16 + "word")
