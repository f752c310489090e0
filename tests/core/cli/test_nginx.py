"""The command `oidc-gate nginx`: what it prints, and how it refuses."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from oidc_gate.cli import main, nginx
from oidc_gate.proxies.nginx import NginxOptions


@pytest.fixture(autouse=True)
def public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GATE_PUBLIC_URL", "https://app.example.com")


def test_it_prints_with_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "nginx --form redirect --upstream unix:/run/app.sock --gate [::1]:4180 --server-name app.example.com "
        "--restrict /admin/=admins,staff --restrict /ops/=ops --public /static/ --public /robots.txt --api /api/ "
        "--certificate /c.pem --certificate-key /k.pem --max-body 2g --keepalive 7 --verdict-cache 9"
    )
    assert main(words.split()) == 0
    text, errors = capsys.readouterr()
    for expected in (
        "server unix:/run/app.sock;",
        "server [::1]:4180;",
        "auth?allowed_groups=admins,staff;",
        "auth?allowed_groups=ops;",
        "location /static/ {",
        "location = /robots.txt {",
        "location /api/ {",
        "ssl_certificate     /c.pem;",
        "ssl_certificate_key /k.pem;",
        "client_max_body_size 2g;",
        "keepalive 7;",
        "proxy_cache_valid 202 9s;",
        "error_page 401 = @oauth2_signin;",
    ):
        assert expected in text
    printed = text.partition("# Printed by:\n")[2].partition("#\n")[0]
    assert shlex.split(printed.replace("\\\n#", "").replace("#", "")) == ["oidc-gate", *words.split()]
    # The gate need not be set up yet.
    assert errors == "oidc-gate: not set yet, and not needed here: issuer, client_id, cookie_secret\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--upstream", "a;b"], "--upstream: 'a;b' is not an address"),
        (["--public", "/a/\n}"], "--public: '/a/\\n}' is not a path"),
        (["--server-name", "$host"], "--server-name: '$host' is not the name of a host"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_one_error(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["nginx", *words]) == 2
    text, errors = capsys.readouterr()
    assert text == ""
    assert message in errors
    assert "Traceback" not in errors


def test_wrong_settings_are_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_GATE_PREFIX", "oauth2/")
    assert main(["nginx"]) == 2
    assert "prefix (OIDC_GATE_PREFIX)" in capsys.readouterr().err


def test_a_config_file_gives_the_settings(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.delenv("OIDC_GATE_PUBLIC_URL")
    file = tmp_path_factory.mktemp("config") / "gate.toml"
    file.write_text('public_url = "https://wiki.example.com"\n')
    assert main(["nginx", "--config", str(file)]) == 0
    assert "server_name wiki.example.com;" in capsys.readouterr().out
    assert main(["nginx"]) == 2
    assert "set public_url" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", NginxOptions()),
        ("--form page-403 --plain-port 1", NginxOptions(form="page-403", plain_port=1)),
        (
            "--form redirect --upstream a:1 --upstream b:2 --gate c:3 --server-name d.example --restrict /e/=f"
            " --restrict /g/=h --public /i --public /j --api /k --api /l --certificate /m --certificate-key /n"
            " --max-body 3g --keepalive 5 --plain-port 81 --verdict-cache 6",
            NginxOptions(
                form="redirect",
                upstreams=("a:1", "b:2"),
                gate="c:3",
                server_name="d.example",
                restricted=("/e/=f", "/g/=h"),
                public=("/i", "/j"),
                api=("/k", "/l"),
                certificate="/m",
                certificate_key="/n",
                max_body="3g",
                keepalive=5,
                plain_port=81,
                verdict_cache=6,
            ),
        ),
    ],
    ids=["none", "some", "all"],
)
def test_each_option_arrives(
    words: str, options: NginxOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[Any] = []

    def build(settings: Any, *given: Any) -> str:
        built.append((settings.public_url, *given))
        return "text"

    monkeypatch.setattr(nginx, "nginx_configuration", build)
    assert main(["nginx", *words.split()]) == 0
    assert built == [("https://app.example.com", options, ("oidc-gate", "nginx", *words.split()))]
    assert capsys.readouterr().out == "text"
