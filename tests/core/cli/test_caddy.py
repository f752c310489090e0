"""The command `oidc-gate caddy`."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.cli import caddy, main
from oidc_gate.proxies.caddy import CaddyOptions


@pytest.fixture(autouse=True)
def public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GATE_PUBLIC_URL", "https://app.example.com")


def test_it_prints_with_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "caddy --upstream unix:/run/app.sock --gate 10.0.0.1:4180 --server-name app.example.com "
        "--restrict /admin/=admins,staff --public /static/ --public /robots.txt"
    )
    assert main(words.split()) == 0
    text = capsys.readouterr().out
    for expected in (
        "\napp.example.com {\n",
        "reverse_proxy unix//run/app.sock\n",
        "reverse_proxy 10.0.0.1:4180 {\n",
        "rewrite /oauth2/forward?allowed_groups=admins,staff\n",
        r"@protected not path_regexp ^(?:/static/|/robots\.txt$)",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--upstream", "a:1", "--upstream", "b:2"], "--upstream: caddy has one application here"),
        (["--upstream", "a:1\n}"], "--upstream: 'a:1\\n}' is not an address"),
    ],
)
def test_what_cannot_be_used_is_one_error(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["caddy", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", CaddyOptions()),
        (
            "--upstream a:1 --gate c:3 --server-name d.example --restrict /e/=f --restrict /g/=h"
            " --public /i --public /j",
            CaddyOptions(
                upstream="a:1",
                gate="c:3",
                server_name="d.example",
                restricted=("/e/=f", "/g/=h"),
                public=("/i", "/j"),
            ),
        ),
    ],
    ids=["none", "all"],
)
def test_each_option_arrives(
    words: str, options: CaddyOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[Any] = []

    def build(settings: Any, *given: Any) -> str:
        built.append((settings.public_url, *given))
        return "text"

    monkeypatch.setattr(caddy, "caddy_configuration", build)
    assert main(["caddy", *words.split()]) == 0
    assert built == [("https://app.example.com", options, ("oidc-gate", "caddy", *words.split()))]
    assert capsys.readouterr().out == "text"
