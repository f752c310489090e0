"""The command `oidc-gate check`: its arguments, its exit status, and what it does not send."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.check import check, configure
from oidc_gate.testing import Client, TestProvider

URL = "https://app.example.com"
SECRET = secrets.token_urlsafe(32)


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    client = Client(
        client_id="gate",
        client_secret=SECRET,
        redirect_uris=[f"{URL}/oauth2/callback"],
        post_logout_redirect_uris=[f"{URL}/oauth2/signed_out"],
    )
    with TestProvider(clients=[client]) as op:
        for name, value in {
            "ISSUER": op.issuer,
            "CLIENT_ID": "gate",
            "CLIENT_SECRET": SECRET,
            "COOKIE_SECRET": secrets.token_urlsafe(32),
            "PUBLIC_URL": URL,
            "ALLOW_EVERYONE": "true",
        }.items():
            monkeypatch.setenv(f"OIDC_GATE_{name}", value)
        yield


@pytest.mark.usefixtures("environ")
def test_settings_and_provider(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["check"]) == 0
    text = capsys.readouterr().out
    assert f"redirect_uri              {URL}/oauth2/callback" in text
    assert "WARNING issuer_development" in text
    assert main(["check", "--strict"]) == 1
    capsys.readouterr()
    monkeypatch.setenv("OIDC_GATE_CLIENT_SECRET", "x" * 43)
    assert main(["check", "--json"]) == 1
    text = capsys.readouterr().out
    assert "provider_client" in [each["cause"] for each in json.loads(text)["findings"]]
    assert "x" * 43 not in text


def test_offline_sends_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(
        f'issuer = "https://op.invalid"\nclient_id = "a"\nclient_secret = "{SECRET}"\n'
        f'cookie_secret = "{secrets.token_urlsafe(32)}"\npublic_url = "{URL}"\nallow_everyone = true\n'
    )
    file.chmod(0o600)
    assert main(["check", "--offline", "--strict", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "0 errors, 0 warnings\n"
    assert main(["check", "--offline", "--workers", "4", "--config", str(file)]) == 0
    assert "WARNING several_processes" in capsys.readouterr().out
    other = tmp_path / "other.toml"
    other.write_text(file.read_text().replace("op.invalid", "other.invalid"))
    assert main(["check", "--offline", "--config", str(file), "--other-config", str(other)]) == 1
    assert "ERROR cookie_name_shared" in capsys.readouterr().out
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    assert main(["check", "--offline", "--config", str(file)]) == 0
    assert "3 processes" in capsys.readouterr().out


def test_settings_that_cannot_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_GATE_ISSUER", "op.example.com")
    assert main(["check"]) == 1
    text = capsys.readouterr().out
    assert "ERROR settings_invalid: issuer:" in text
    assert "not checked: the provider" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url", "app.example.com"],
        ["--url", "ftp://app.example.com/"],
        ["--url", "https://user:pw@app.example.com/"],
        ["--url", "https://app.example.com:0/"],
        ["--url", "https://app.example.com/a b"],
        ["--connect", "localhost"],
        ["--connect", "localhost:70000"],
        ["--workers", "0"],
    ],
)
def test_an_argument_that_cannot_work(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", *arguments])
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_files_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "--ca-file", str(tmp_path / "none")]) == 2
    assert "--ca-file" in capsys.readouterr().err


def test_an_nginx_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(
        f'issuer = "https://op.invalid"\nclient_id = "a"\nclient_secret = "{SECRET}"\nallow_everyone = true\n'
        f'cookie_secret = "{secrets.token_urlsafe(32)}"\npublic_url = "{URL}"\n'
    )
    file.chmod(0o600)
    for path, expected in ((tmp_path, "is a directory"), (tmp_path / "none", "cannot be read")):
        assert main(["check", "--offline", "--config", str(file), "--nginx", str(path)]) == 2
        assert f"not checked: Nginx: {path} {expected}" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.usefixtures("environ")
def test_the_secrets_of_the_settings_are_hidden_in_the_report() -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    report = check(parser.parse_args(["--offline"]), os.environ)
    assert set(report.secrets) == {SECRET, os.environ["OIDC_GATE_COOKIE_SECRET"]}


def test_without_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text("http { }")
    monkeypatch.setitem(sys.modules, "crossplane", None)
    assert main(["check", "--offline", "--nginx", str(file)]) == 2
    assert "pip install 'oidc_gate[check]'" in capsys.readouterr().err
