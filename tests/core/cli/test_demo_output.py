"""What `oidc-gate demo` shows, and how it sets up the provider and the sample application, whole."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.cli import build_parser, demo
from oidc_gate.cli.application import NotFound, listen
from oidc_gate.cli.demo import DEMO_USERS, settings_for
from oidc_gate.cli.sample import sample_application
from oidc_gate.model import Identity
from oidc_gate.wsgi import OIDCGate
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")
URL = "http://localhost:8000"


def parsed(*words: str) -> argparse.Namespace:
    options: argparse.Namespace = build_parser().parse_args(["demo", *words])
    return options


@pytest.mark.parametrize(
    ("name", "application", "users"),
    [("sample", None, DEMO_USERS), ("own", "my.app:app", DEMO_USERS[:1]), ("bare", "a:b", ())],
)
def test_the_banner(name: str, application: str | None, users: Any) -> None:
    settings = {"OIDC_GATE_PUBLIC_URL": f"{URL}/", "OIDC_GATE_ISSUER": "http://localhost:9"}
    compare(FOLDER / f"banner-{name}.txt", demo._banner(application, settings, users))


def test_the_settings_of_a_demo() -> None:
    settings = settings_for(URL, {})
    secrets = {name: settings.pop(f"OIDC_GATE_{name}") for name in ("COOKIE_SECRET", "CLIENT_SECRET")}
    assert {len(secret) for secret in secrets.values()} == {43}
    assert settings == {
        "OIDC_GATE_PUBLIC_URL": URL,
        "OIDC_GATE_CLIENT_ID": "demo",
        "OIDC_GATE_SCOPES": "openid,email,profile,groups",
    }


@pytest.mark.parametrize(
    ("option", "number", "error", "expected"),
    [
        (
            "--port",
            80,
            errno.EADDRINUSE,
            "port 80 is in use; choose another one: oidc-gate demo --port 8001",
        ),
        (
            "--provider-port",
            81,
            errno.EACCES,
            f"port 81 cannot be used: {os.strerror(errno.EACCES)}; choose another one: oidc-gate demo"
            " --provider-port 0",
        ),
    ],
)
def test_a_port_that_cannot_be_used(option: str, number: int, error: int, expected: str) -> None:
    assert demo._port_refused(option, number, OSError(error, os.strerror(error))) == expected


@pytest.mark.parametrize("is_in_file", [False, True])
def test_the_provider_of_a_demo(is_in_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("oidc_gate.testing.TestProvider", lambda **keywords: made.append(keywords))
    file = tmp_path / "secret"
    file.write_text("from the file\r\n")
    secret = {"CLIENT_SECRET_FILE": str(file)} if is_in_file else {"CLIENT_SECRET": "s" * 43}
    given = {"PUBLIC_URL": f"{URL}/", "CLIENT_ID": "demo", "PREFIX": "/gate"} | secret
    settings = {f"OIDC_GATE_{name}": value for name, value in given.items()}
    demo._provider(settings, parsed("--provider-port", "81"))
    ((client,), people) = made[0].pop("clients"), made[0].pop("people")
    assert made == [{"host": "localhost", "port": 81}]
    assert (client.client_id, client.client_secret) == ("demo", "from the file" if is_in_file else "s" * 43)
    assert list(client.redirect_uris) == [f"{URL}/gate/callback"]
    assert list(client.post_logout_redirect_uris) == [f"{URL}/gate/signed_out"]
    shown = [(each.sub, each.name, each.email, tuple(each.groups), each.email_verified) for each in people]
    assert shown == [(*user, True) for user in DEMO_USERS]


def test_the_sample_application_has_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def gate(app: Any, settings: Any) -> Any:
        made.append((app, settings))
        return OIDCGate(app, settings)

    monkeypatch.setattr(demo, "OIDCGate", gate)
    given = settings_for(URL, {}) | {"OIDC_GATE_ISSUER": "http://localhost:9"}
    demo._application(None, given)
    ((app, settings),) = made
    assert app is sample_application
    assert settings.public_paths == ("/", "/favicon.ico")
    assert set(settings.allowed_email_domains) == {"example.com"}
    assert (settings.application_name, settings.provider_name) == ("the demo", "the demo provider")


@pytest.mark.parametrize("name", ["public", "own", "own-without-groups"])
def test_the_pages_of_the_sample_application(name: str) -> None:
    who = {
        "public": None,
        "own": Identity("i", "ada", "ada@example.com", name="Ada", groups=("staff", "admins")),
        "own-without-groups": Identity("i", "ada"),
    }[name]
    environ: dict[str, Any] = {"PATH_INFO": "/r\xc3\xa9ports<"} | (
        {"QUERY_STRING": "month=5"} if name == "own" else {}
    )
    if who is not None:
        environ["oidc_gate.identity"] = who
    started: list[Any] = []
    body = b"".join(sample_application(environ, lambda status, headers: started.append((status, headers))))  # type: ignore[arg-type]
    ((status, headers),) = started
    assert (status, dict(headers)["Content-Length"]) == ("200 OK", str(len(body)))
    text = body.decode()
    start = text.index("<h1")
    compare(FOLDER / f"page-{name}.html", text[start:] + "\n")


@pytest.mark.parametrize("has_issuer", [False, True])
def test_the_demo_of_an_application_gets_its_environment(
    has_issuer: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[Any] = []

    class Provider:
        issuer = "http://localhost:9"

    def provided(settings: Mapping[str, str], options: Any) -> Any:
        did.append(("provider", settings["OIDC_GATE_PUBLIC_URL"]))
        return nullcontext(Provider())

    def application(name: str | None, settings: Mapping[str, str]) -> str:
        did.append((name, settings["OIDC_GATE_ISSUER"]))
        return "app"

    environ = {"OIDC_GATE_ISSUER": "https://op.example.com"} if has_issuer else {}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(demo, "set_up_logging", lambda *given: did.append(given))
    monkeypatch.setattr(demo, "_provider", provided)
    monkeypatch.setattr(demo, "_application", application)
    monkeypatch.setattr(demo, "require_gate", lambda *given: did.append(given))
    monkeypatch.setattr(demo, "serve", lambda app, listener: did.append((app, listener.getsockname()[0])))
    assert demo.run(parsed("my:app", "--port", "0", "--log-level", "debug")) == 0
    shown = capsys.readouterr().out
    issuer = environ.get("OIDC_GATE_ISSUER", "http://localhost:9")
    url = did[1][1] if not has_issuer else ""
    assert did == [
        ("debug", "text"),
        *([] if has_issuer else [("provider", url)]),
        ("my:app", issuer),
        ("my:app", "app"),
        ("app", "127.0.0.1"),
    ]
    assert ("Ada Lovelace" in shown) is not has_issuer
    assert f"The provider is {issuer}. Press Ctrl-C" in shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PATH": "/bin", "XOIDC_GATE_PREFIX": "/x"}, {"CLIENT_ID": "demo", "CLIENT_SECRET": "new"}),
        ({"OIDC_GATE_PREFIX": "/p"}, {"PREFIX": "/p", "CLIENT_ID": "demo", "CLIENT_SECRET": "new"}),
        (
            {"OIDC_GATE_CLIENT_SECRET_FILE": "/f", "OIDC_GATE_CLIENT_ID": "app"},
            {"CLIENT_SECRET_FILE": "/f", "CLIENT_ID": "app"},
        ),
        (
            {"OIDC_GATE_CLIENT_ID_FILE": "/f", "OIDC_GATE_SCOPES": "openid"},
            {"CLIENT_ID_FILE": "/f", "SCOPES": "openid", "CLIENT_SECRET": "new"},
        ),
        (
            {"OIDC_GATE_COOKIE_SECRET_FILE": "/f", "OIDC_GATE_PUBLIC_URL": "http://localhost:1"},
            {
                "COOKIE_SECRET_FILE": "/f",
                "PUBLIC_URL": "http://localhost:1",
                "CLIENT_ID": "demo",
                "CLIENT_SECRET": "new",
            },
        ),
        ({"OIDC_GATE_ISSUER": "https://op.example"}, {"ISSUER": "https://op.example"}),
    ],
)
def test_what_is_set_stays_in_a_demo(
    given: dict[str, str], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_gate.cli.demo.secrets.token_urlsafe", lambda size: "new" if size == 32 else "")
    defaults = {"PUBLIC_URL": URL}
    if "OIDC_GATE_COOKIE_SECRET_FILE" not in given:
        defaults["COOKIE_SECRET"] = "new"
    if "OIDC_GATE_ISSUER" not in given:
        defaults["SCOPES"] = "openid,email,profile,groups"
    assert settings_for(URL, given) == {
        f"OIDC_GATE_{name}": value for name, value in (defaults | expected).items()
    }


@pytest.mark.parametrize("missing", ["application", "gate"])
def test_a_demo_that_is_refused_serves_nothing_and_closes_its_port(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[str] = []

    def absent(*given: object) -> None:
        raise NotFound("it is missing")

    class Provider:
        issuer = "http://localhost:9"

        def __enter__(self) -> Provider:
            return self

        def __exit__(self, *given: object) -> None:
            did.append("provider closed")

    with listen(0) as listener:
        monkeypatch.setattr(os, "environ", {})
        monkeypatch.setattr(demo, "set_up_logging", lambda *given: None)
        monkeypatch.setattr(demo, "listen", lambda port: listener)
        monkeypatch.setattr(demo, "_provider", lambda *given: Provider())
        monkeypatch.setattr(
            demo, "find_application", absent if missing == "application" else lambda name: "app"
        )
        monkeypatch.setattr(demo, "require_gate", absent)
        monkeypatch.setattr(demo, "serve", lambda *given: did.append("served"))
        assert demo.run(parsed("my:app", "--port", "0")) == 2
        assert listener.fileno() == -1
    assert did == ["provider closed"]
    assert capsys.readouterr() == ("", "oidc-gate demo: it is missing\n")
