"""Which parts `oidc-gate check` runs, and what each of them is given."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.check.answers import wrong
from oidc_gate.check.catalogue import CAUSES
from oidc_gate.check.findings import Finding
from oidc_gate.check.provider.registration import Address
from oidc_gate.check.questionable import CheckContext
from oidc_gate.check.settings import SettingsResult
from oidc_gate.cli import build_parser, check
from oidc_gate.cli.common import CommandError, count, port, served_port
from oidc_gate.settings.schema import SECRETS
from oidc_gate.testing.settings import settings_for_tests

URL = "https://app.example.com"
SETTINGS = settings_for_tests(public_url=URL, prefix="/gate", client_id="gate")
PROVIDER = [wrong("Is it?", "provider_client", received="no", method="x")]
LIVE = [wrong("Is it?", "live_not_proxied")]


def parsed(*words: str) -> argparse.Namespace:
    options: argparse.Namespace = build_parser().parse_args(["check", *words])
    return options


@pytest.fixture
def did(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace every part by one that records what it was given."""
    found: list[Any] = []

    def questionable(settings: Any, context: Any, environ: Any, others: Any) -> list[Finding]:
        found.append(("settings", settings, context, environ, others))
        return [Finding(CAUSES["samesite_none"], "settings")]

    class Result:
        answers, metadata, addresses = PROVIDER, "metadata", [Address("redirect_uri", "u", "required")]

    def provider(settings: Any, url: str) -> Any:
        found.append(("provider", settings, url))
        return Result()

    def nginx(path: str, settings: Any) -> list[Finding]:
        found.append(("nginx", path, settings))
        return [Finding(CAUSES["nginx_satisfy_any"], "nginx")]

    def live(*given: Any, **keywords: Any) -> Any:
        found.append(("live", given, keywords))
        return LIVE

    monkeypatch.setattr("oidc_gate.check.settings.check_settings", questionable)
    monkeypatch.setattr(
        "oidc_gate.check.settings.read_settings", lambda config, environ: SettingsResult(SETTINGS, [])
    )
    monkeypatch.setattr("oidc_gate.check.provider.check_provider", provider)
    monkeypatch.setattr("oidc_gate.check.nginx.check_nginx", nginx)
    monkeypatch.setattr("oidc_gate.check.live.check_live", live)
    return found


def context(did: list[Any]) -> CheckContext:
    found: CheckContext = next(each[2] for each in did if each[0] == "settings")
    return found


def test_every_part(did: list[Any], tmp_path: Any) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("")
    words = ["--config", "g.toml", "--nginx", "n.conf", "--url", f"{URL}/a?b", "--post", "--connect", "h:1"]
    environ = {"WEB_CONCURRENCY": "3"}
    report = check.check(parsed(*words, "--ca-file", str(ca_file)), environ)
    assert did == [
        (
            "settings",
            SETTINGS,
            CheckContext(3, f"{URL}/a?b", behind_nginx=True, config="g.toml"),
            environ,
            {},
        ),
        ("provider", SETTINGS, f"{URL}/a?b"),
        ("nginx", "n.conf", SETTINGS),
        (
            "live",
            (f"{URL}/a?b", SETTINGS, "metadata"),
            {"post": True, "connect": "h:1", "ca_file": str(ca_file)},
        ),
    ]
    assert [(each.cause.name, each.part, each.where) for each in report.findings] == [
        ("samesite_none", "settings", ""),
        ("provider_client", "provider", SETTINGS.issuer),
        ("nginx_satisfy_any", "nginx", ""),
        ("live_not_proxied", "live", f"{URL}/a"),
    ]
    assert report.findings[-1].facts["prefix"] == "/gate"
    assert report.answers == {"provider": PROVIDER, "live": LIVE}
    assert (report.addresses, report.not_checked) == ([Address("redirect_uri", "u", "required")], [])


def test_what_is_not_asked_for_is_not_checked(did: list[Any]) -> None:
    report = check.check(parsed("--offline"), {"OIDC_GATE_CONFIG": "e.toml"})
    assert [each[0] for each in did] == ["settings"]
    assert context(did) == CheckContext(1, "", behind_nginx=False, config="e.toml")
    assert (report.answers, report.not_checked) == ({}, [])
    check.check(parsed("--offline", "--url", URL), {})
    assert did[-1] == ("live", (URL, SETTINGS, None), {"post": False, "connect": "", "ca_file": ""})


def test_settings_that_cannot_work(did: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [Finding(CAUSES["settings_invalid"], "settings")]
    monkeypatch.setattr(
        "oidc_gate.check.settings.read_settings", lambda config, environ: SettingsResult(None, broken)
    )
    report = check.check(parsed("--nginx", "n.conf", "--url", URL), {})
    assert [each[:2] for each in did] == [("nginx", "n.conf"), ("live", (URL, None, None))]
    assert report.not_checked == ["the provider, because the settings cannot work"]
    assert report.findings[-1].facts["prefix"] == "/oauth2"
    assert check.check(parsed("--offline"), {}).not_checked == []
    assert report.findings[0] is broken[0]


@pytest.mark.parametrize(
    ("given", "option", "workers"),
    [
        ("", None, 1),
        ("0", None, 1),
        ("2", None, 2),
        ("two", None, 1),
        ("٣", None, 1),
        ("2", "5", 5),
        ("1", None, 1),
    ],
)
def test_the_number_of_processes(given: str, option: str | None, workers: int) -> None:
    environ: Mapping[str, str] = {"WEB_CONCURRENCY": given}
    assert check._workers(parsed(*(["--workers", option] if option else [])), environ) == workers


def test_every_secret_of_the_settings_is_hidden() -> None:
    settings = settings_for_tests(
        client_secret="c" * 43,
        session_store="redis://u:p@127.0.0.1",
    )
    assert check._secrets(settings) == ("c" * 43, *settings.cookie_secret, "redis://u:p@127.0.0.1")
    plain = settings_for_tests(client_secret="c" * 43, revocation_store="redis://127.0.0.1")
    assert check._secrets(plain) == ("c" * 43, *plain.cookie_secret)
    # Every setting that is a secret is in the report's list, so that a new one cannot be forgotten.
    every: Any = SimpleNamespace(**{name: f"{name}@host" for name in SECRETS})
    assert set(check._secrets(every)) == {f"{name}@host" for name in SECRETS}
    assert {"metrics_token", "client_private_key", "id_token_decryption_key"} <= SECRETS
    without: Any = SimpleNamespace(**{name: f"{name}://host" for name in SECRETS})
    assert set(check._secrets(without)) == {
        f"{name}://host" for name in SECRETS - {"session_store", "revocation_store"}
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{URL}/a?b#c", f"{URL}/a?b"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("https://app.example.com:1/", "https://app.example.com:1/"),
        ("https://app.example.com:65536/", None),
        ("https://[::1/", None),
        ("https:///a", None),
        ("https://ä.example/", None),
        ("https://a.example/\x7f", None),
        ("https://a.example/a b", None),
        ("https://a.example:0/", None),
        ("https://ada@a.example/", None),
        ("ftp://a.example/", None),
        ("a.example", None),
    ],
)
def test_urls(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(argparse.ArgumentTypeError, match="is not a URL: write it as https://app"):
            check._url(text)
    else:
        assert check._url(text) == expected


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("a:1", True),
        ("[::1]:65535", True),
        *((text, False) for text in ("a:65536", "a:0", ":1", "a:٣", "a:", "a:1x")),
    ],
)
def test_addresses(text: str, is_right: bool) -> None:
    if is_right:
        assert check._address(text) == text
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="is not an address"):
            check._address(text)


@pytest.mark.parametrize(
    ("convert", "right_ones", "wrong_ones"),
    [
        (port, ("0", "1", "65535"), ("65536", "-1", "", "٣", "1.0")),
        (served_port, ("1", "65535"), ("0", "65536", "")),
        (count, ("1", "2", "100000"), ("0", "-1", "", "٣")),
    ],
)
def test_numbers(convert: Any, right_ones: tuple[str, ...], wrong_ones: tuple[str, ...]) -> None:
    assert [convert(each) for each in right_ones] == [int(each) for each in right_ones]
    for each in wrong_ones:
        with pytest.raises(argparse.ArgumentTypeError, match="write"):
            convert(each)


def test_another_gate_whose_settings_cannot_work(tmp_path: Any, did: list[Any]) -> None:
    file = tmp_path / "b.toml"
    file.write_text("prefix = 1\n")
    with pytest.raises(CommandError, match=rf"(?s)--other-config: {file}: .*prefix"):
        check.check(parsed("--other-config", str(file)), {})


def test_without_any_argument_the_settings_and_the_provider_are_checked(did: list[Any]) -> None:
    check.check(parsed(), {})
    assert did == [
        ("settings", SETTINGS, CheckContext(1, "", behind_nginx=False, config=""), {}, {}),
        ("provider", SETTINGS, ""),
    ]


def test_the_settings_of_another_gate_do_not_come_from_this_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.toml"
    secret = 'client_secret = "s"\ncookie_secret = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc"\n'
    file.write_text(f'issuer = "https://op.example"\nclient_id = "b"\n{secret}')
    monkeypatch.setenv("OIDC_GATE_COOKIE_NAME", "of_this_gate")
    monkeypatch.setenv("OIDC_GATE_PREFIX", "/this")
    other = check._other_settings(str(file))
    assert (other.client_id, other.cookie_name, other.prefix) == ("b", "oidc_gate", "/oauth2")


@pytest.mark.parametrize("words", [[], ["--strict"], ["--json"], ["--json", "--strict"]])
def test_strict_counts_for_the_output_and_for_the_status(
    words: list[str], did: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    options = parsed("--offline", *words)
    report = check.check(options, {})
    strict = "--strict" in words
    assert check.run(options) == report.exit_status(strict=strict) == (1 if strict else 0)
    expected = report.json(strict=strict) if "--json" in words else report.text()
    assert capsys.readouterr().out == f"{expected}\n"
    assert report.json(strict=True) != report.json(strict=False)
