"""The command `oidc-gate caddy`."""

from __future__ import annotations

import pytest

from oidc_gate.cli import main


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
