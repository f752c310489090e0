"""The command `oidc-gate explain`."""

from __future__ import annotations

import pytest

from oidc_gate.check import pages
from oidc_gate.cli import main


def test_a_name_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "flow_missing"]) == 0
    assert capsys.readouterr().out.startswith("flow_missing: Error codes, During a sign-in (400)\n")
    assert main(["explain", "nginx.md"]) == 0
    assert capsys.readouterr().out == pages.page("nginx.md")


def test_without_a_name_the_pages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        name for name in pages.page_names() if name.endswith(".md") and "/" not in name
    ]
    assert any(line.split(maxsplit=1)[1] == "Behind Nginx" for line in lines)


def test_an_unknown_name_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "flow_mising"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert (
        printed.err == "oidc-gate: nothing is called 'flow_mising': did you mean flow_missing or flow_used?\n"
    )


def test_an_installation_without_pages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "page_names", lambda: ())
    assert main(["explain", "flow_missing"]) == 2
    assert "has no documentation" in capsys.readouterr().err
