"""The pages that are installed with the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from oidc_gate.check import pages

REPOSITORY = Path(__file__).parents[3]


def test_the_wheel_contains_the_documentation() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {
        "docs": "oidc_gate/docs"
    }
    names = {
        str(file.relative_to(REPOSITORY / "docs"))
        for file in (REPOSITORY / "docs").rglob("*")
        if file.is_file() and file.suffix != ".svg"
    }
    assert set(pages.page_names()) == names


@pytest.mark.parametrize("name", [name for name in pages.page_names() if name.endswith(".md")])
def test_every_section_of_every_page_is_found(name: str) -> None:
    whole = pages.page(name)
    anchors = pages.anchors(name)
    assert anchors
    for anchor in anchors:
        assert pages.section(name, anchor).strip() in whole
    assert pages.section(name, anchors[0]) == whole.rstrip() + "\n"


def written(text: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "a.md").write_text(text)
    for kept in (pages._root, pages.page_names, pages.rows):
        kept.cache_clear()
    monkeypatch.setattr(pages, "_root", lambda: directory)
    monkeypatch.setattr(pages, "page_names", lambda: ("a.md",))


def test_a_comment_in_code_is_no_heading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written("# A\n\n## B, c\n\n```sh\n# D\n```\n\nend of b\n\n### E\n\nx\n\n## F\n", tmp_path, monkeypatch)
    assert pages.anchors("a.md") == ["a", "b-c", "e", "f"]
    assert pages.section("a.md", "b-c") == "## B, c\n\n```sh\n# D\n```\n\nend of b\n\n### E\n\nx\n"
    with pytest.raises(KeyError):
        pages.section("a.md", "d")
    with pytest.raises(KeyError):
        pages.page("b.md")


def test_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# A\n\n| name | is |\n|---|---|\n| `x`, `y` | one \\| two |\n| z | three |\n\n"
    text += "## B\n\n| n | m |\n|---|---|\n| `x` | |\n"
    written(text, tmp_path, monkeypatch)
    assert [(row.heading, row.names, row.cells) for row in pages.rows("a.md")] == [
        ("A", ("x", "y"), (("is", "one \\| two"),)),
        ("B", ("x",), (("m", ""),)),
    ]
