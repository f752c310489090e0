"""Settings and arguments of the commands that print a configuration for a proxy: whole values and whole messages."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.proxies import only_upstream, settings_for_proxy
from oidc_gate.errors import ConfigurationError

REQUIRED = {
    "OIDC_GATE_ISSUER": "https://op.example",
    "OIDC_GATE_CLIENT_ID": "app",
    "OIDC_GATE_CLIENT_SECRET": "s" * 40,
    "OIDC_GATE_COOKIE_SECRET": "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "issuer, client_id, cookie_secret"),
        (("ISSUER",), "client_id, cookie_secret"),
        (("CLIENT_ID", "COOKIE_SECRET"), "issuer"),
        (("ISSUER", "CLIENT_ID"), "cookie_secret"),
        (("ISSUER", "CLIENT_ID", "COOKIE_SECRET"), None),
    ],
)
def test_settings_that_are_missing_and_not_needed(
    given: tuple[str, ...], said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {name: REQUIRED[name] for name in REQUIRED if name.removeprefix("OIDC_GATE_") in given}
    environ |= {"OIDC_GATE_CLIENT_SECRET": "s" * 40, "OIDC_GATE_PREFIX": "/auth"}
    settings = settings_for_proxy(None, environ)
    assert settings.prefix == "/auth"
    assert settings.issuer == environ.get("OIDC_GATE_ISSUER", "https://op.invalid")
    assert settings.client_id == environ.get("OIDC_GATE_CLIENT_ID", "...")
    expected = "" if said is None else f"oidc-gate: not set yet, and not needed here: {said}\n"
    assert capsys.readouterr() == ("", expected)


def test_a_file_with_every_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gate.toml"
    names = {name.removeprefix("OIDC_GATE_").lower(): value for name, value in REQUIRED.items()}
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in names.items()))
    assert settings_for_proxy(str(file), {}).issuer == "https://op.example"
    file.write_text('prefix = "/auth"\n')
    known = settings_for_proxy(str(file), REQUIRED)
    assert (known.prefix, known.client_id) == ("/auth", "app")
    assert capsys.readouterr() == ("", "")


def test_a_file_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        settings_for_proxy(str(tmp_path / "nowhere.toml"), {})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "environ",
    [
        {"OIDC_GATE_PREFIX": "no/slash"},
        REQUIRED | {"OIDC_GATE_PREFIX": "no/slash"},
        REQUIRED | {"OIDC_GATE_ISSUER": "http://op.example"},
        {"OIDC_GATE_CLIENT_ID": ""},
    ],
    ids=["and missing", "alone", "issuer", "empty"],
)
def test_settings_that_are_wrong_are_an_error(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError):
        settings_for_proxy(None, environ)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("given", "expected"), [([], "127.0.0.1:8080"), (["a:1"], "a:1")])
def test_the_only_upstream(given: list[str], expected: str) -> None:
    assert only_upstream(argparse.Namespace(upstream=given, command="caddy")) == expected


def test_a_second_upstream_is_refused() -> None:
    with pytest.raises(CommandError) as caught:
        only_upstream(argparse.Namespace(upstream=["a:1", "b:2"], command="caddy"))
    assert str(caught.value) == "--upstream: caddy has one application here: give one address"


@pytest.mark.parametrize("command", ["nginx", "caddy", "traefik"])
def test_an_option_that_cannot_be_used_is_one_line(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (REQUIRED | {"OIDC_GATE_PUBLIC_URL": "https://app.example.com"}).items():
        monkeypatch.setenv(name, value)
    assert main([command, "--gate", "a b"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("oidc-gate: --gate: 'a b' is not an address")
