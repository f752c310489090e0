"""The command `oidc-gate traefik`."""

from __future__ import annotations

import pytest

from oidc_gate.cli import main


def test_it_prints_with_every_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_GATE_PUBLIC_URL", "https://app.example.com")
    words = "traefik --upstream app:8080 --gate gate:4180 --server-name other.example.com"
    assert main(words.split()) == 2
    assert "other.example.com" in capsys.readouterr().err
    assert main(words.replace("other", "app").split()) == 0
    text = capsys.readouterr().out
    for expected in ("Host(`app.example.com`)", "http://app:8080", "http://gate:4180"):
        assert expected in text
