"""The command `oidc-gate traefik`."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.cli import main, traefik
from oidc_gate.proxies.traefik import TraefikOptions


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


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", TraefikOptions()),
        (
            "--upstream a:1 --gate c:3 --server-name d.example",
            TraefikOptions(upstream="a:1", gate="c:3", server_name="d.example"),
        ),
    ],
    ids=["none", "all"],
)
def test_each_option_arrives(
    words: str, options: TraefikOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[Any] = []

    def build(settings: Any, *given: Any) -> str:
        built.append((settings.public_url, *given))
        return "text"

    monkeypatch.setenv("OIDC_GATE_PUBLIC_URL", "https://app.example.com")
    monkeypatch.setattr(traefik, "traefik_configuration", build)
    assert main(["traefik", *words.split()]) == 0
    assert built == [("https://app.example.com", options, ("oidc-gate", "traefik", *words.split()))]
    assert capsys.readouterr().out == "text"
