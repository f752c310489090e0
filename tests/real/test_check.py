"""`oidc-gate check` in front of a real Nginx and real providers, with one thing broken at a time."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.catalogue import CAUSES
from oidc_gate.testing import Client, TestProvider
from tests.core.check.nginx.breaks import FURTHER, apply
from tests.core.check.nginx.test_rules import BREAKS, broken
from tests.core.check.nginx.test_rules import GOOD as SHIPPED
from tests.core.check.nginx.test_site import ALL, hides
from tests.real.behind_nginx import (
    APP,
    CLIENT_ID,
    CLIENT_SECRET,
    RECIPES,
    echo_application,
    gate_environment,
    oidc_gate_serve,
)
from tests.real.nginx import Nginx, nginx
from tests.real.op_node import client, node_provider
from tests.real.process import REPOSITORY
from tests.real.tls import self_signed

pytestmark = pytest.mark.real

# The example in oauth2-proxy's documentation, as people copy it, shortened, and without its error_page line.
COPIED = """
server {
    listen 443 ssl;
    server_name app.example.com;
    ssl_certificate a;
    ssl_certificate_key b;
    location /oauth2/ {
        proxy_pass http://127.0.0.1:4180;
        proxy_set_header Host $host;
        proxy_set_header X-Auth-Request-Redirect $request_uri;
    }
    location = /oauth2/auth {
        proxy_pass http://127.0.0.1:4180;
        proxy_set_header Host $host;
        proxy_set_header Content-Length "";
        proxy_pass_request_body off;
    }
    location / {
        auth_request /oauth2/auth;
        # HERE
        auth_request_set $user $upstream_http_x_auth_request_user;
        proxy_set_header X-Forwarded-User $user;
        proxy_pass http://127.0.0.1:8080/;
    }
}
"""
GOOD = COPIED.replace("# HERE", "error_page 401 = /oauth2/sign_in;")


@dataclass
class Place:
    """A gate, an application and a provider, to put Nginx in front of."""

    environment: Mapping[str, str]
    gate_port: int
    app_port: int


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("check")
    registered = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[f"{APP}/oauth2/callback"],
        post_logout_redirect_uris=[f"{APP}/oauth2/signed_out"],
    )
    with TestProvider(clients=[registered]) as op:
        environment = gate_environment(op.issuer, allow_everyone="true")
        with (
            oidc_gate_serve(directory=directory, env=environment) as gate,
            echo_application(directory) as app,
        ):
            yield Place(environment, gate.port, app.port)


def run(environment: Mapping[str, str], *options: str, status: int, stdin: str = "") -> Any:
    """Run the command, and return its JSON."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_GATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "oidc_gate.cli", "check", "--json", *options],
        env=inherited | dict(environment),
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert CLIENT_SECRET not in done.stdout + done.stderr
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def errors(report: Any) -> dict[str, list[str]]:
    """Return the errors by their cause, each with its consequences."""
    return {
        finding["cause"]: [below["cause"] for below in finding["consequences"]]
        for finding in report["findings"]
        if finding["severity"] == "error"
    }


def _leading_to(front: Nginx) -> list[str]:
    return ["--connect", f"127.0.0.1:{front.ports[443]}", "--ca-file", str(front.prefix / "tls.crt")]


def behind(text: str, place: Place, directory: Path, *options: str, status: int, **environment: str) -> Any:
    self_signed(directory, "app.example.com")
    upstreams: dict[int | str, int] = {
        port: own for port, own in ((4180, place.gate_port), (8080, place.app_port)) if f":{port}" in text
    }
    changed = {f"OIDC_GATE_{name.upper()}": value for name, value in environment.items()}
    with nginx(text, directory=directory, upstreams=upstreams) as front:
        arguments = ("--url", f"{APP}/reports", *_leading_to(front), *options)
        return run(dict(place.environment) | changed, *arguments, status=status)


def test_the_missing_error_page_is_named_with_its_place(place: Place, tmp_path: Path) -> None:
    report = behind(COPIED, place, tmp_path, status=1)
    assert errors(report) == {"live_own_401": []}
    (finding,) = [each for each in report["findings"] if each["cause"] == "live_own_401"]
    assert "`error_page 401 = /oauth2/sign_in;` in the location of the page" in finding["fix"]


def test_with_the_configuration_the_missing_line_and_its_place_are_the_cause(
    place: Place, tmp_path: Path
) -> None:
    report = behind(COPIED, place, tmp_path, "--nginx", str(tmp_path / "nginx.conf"), status=1)
    assert errors(report) == {"nginx_error_page_missing": ["live_own_401"]}
    (finding,) = [each for each in report["findings"] if each["cause"] == "nginx_error_page_missing"]
    assert finding["fix"] == "write `error_page 401 = /oauth2/sign_in;` in `location /`, beside auth_request"
    page = " ".join((REPOSITORY / "docs/check.md").read_text().split())
    assert all(finding[name] in page for name in ("what", "seen", "fix", "more"))
    lines = (tmp_path / "nginx.conf").read_text().splitlines()
    file, _, line = finding["where"].rpartition(":")
    assert (file, lines[int(line) - 1].strip()) == (str(tmp_path / "nginx.conf"), "location / {")


def test_what_nginx_prints_can_be_read(place: Place, tmp_path: Path) -> None:
    directory = tmp_path / "front"
    directory.mkdir()
    with nginx(COPIED, directory=directory, upstreams={4180: place.gate_port, 8080: place.app_port}):
        dump = subprocess.run(
            ["nginx", "-T", "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", "stderr"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    report = run(place.environment, "--nginx", "-", "--offline", status=1, stdin=dump)
    assert errors(report) == {"nginx_error_page_missing": []}


def test_nothing_is_wrong_once_the_line_is_there(place: Place, tmp_path: Path) -> None:
    report = behind(GOOD, place, tmp_path, "--post", status=0)
    assert errors(report) == {}
    verdicts = {each["question"]: each["answer"] for each in report["answers"]}
    for question in (
        "Does an anonymous browser get the sign-in page?",
        "Do the gate's own paths lead to the gate?",
        "Is the redirect URI that of this site?",
        "Does the cookie of the sign-in come back to this site?",
        "Is an anonymous POST refused?",
    ):
        assert verdicts[question] == "right"


def test_what_is_seen_is_a_consequence_of_what_is_written(place: Place, tmp_path: Path) -> None:
    text = GOOD.replace("location /oauth2/ {", "location /elsewhere/ {")
    found = errors(behind(text, place, tmp_path, "--nginx", str(tmp_path / "nginx.conf"), status=1))
    assert set(found) == {"nginx_gate_not_proxied"}
    assert {"live_own_401", "live_not_proxied"} <= set(found["nginx_gate_not_proxied"])


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_of_a_shipped_file_is_the_only_error(name: str, place: Place, tmp_path: Path) -> None:
    """What is seen through the broken Nginx is a consequence of the line that was broken."""
    is_error = CAUSES[name].severity == "error"
    text = broken(SHIPPED, name)
    if name == "nginx_verdict_cache":
        text = "proxy_cache_path /var/cache/nginx/v keys_zone=verdicts:1m;\n" + text
    report = behind(
        text, place, tmp_path, "--nginx", str(tmp_path / "nginx.conf"), status=int(is_error), **hosts(name)
    )
    assert set(errors(report)) == ({name} if is_error else set())
    assert name in [finding["cause"] for finding in report["findings"]]


def hosts(*names: str) -> dict[str, str]:
    """Return the setting with which the gate needs Host, if that is broken. With public_url alone it does not."""
    return {"allowed_redirect_hosts": "wiki.example.com"} if "nginx_host_missing" in names else {}


ZONE = "proxy_cache_path /var/cache/nginx/v keys_zone=verdicts:1m;\n"


@pytest.mark.parametrize("name", FURTHER)
def test_each_further_break_is_the_only_error(name: str, place: Place, tmp_path: Path) -> None:
    is_error = CAUSES[name].severity == "error"
    text = apply(SHIPPED, FURTHER[name])
    text = ZONE + text if "proxy_cache " in text else text
    report = behind(text, place, tmp_path, "--nginx", str(tmp_path / "nginx.conf"), status=int(is_error))
    assert set(errors(report)) == ({name} if is_error else set())
    assert name in [finding["cause"] for finding in report["findings"]]


# Each pair takes two seconds. OIDC_GATE_TEST_PAIRS=100 draws more of them.
PAIRS = range(int(os.environ.get("OIDC_GATE_TEST_PAIRS", "12")))


@pytest.mark.slow
@pytest.mark.parametrize("seed", PAIRS)
def test_of_two_breaks_both_are_named(seed: int, place: Place, tmp_path: Path) -> None:
    """Nothing is an error that was not broken, and what one break hides shows when it is corrected."""
    first, second, text = _two_breaks(seed)
    config = str(tmp_path / "nginx.conf")
    text = ZONE + text if "proxy_cache " in text else text
    are_errors = {name for name in (first, second) if CAUSES[name].severity == "error"}
    status = int(bool(are_errors))
    report = behind(text, place, tmp_path, "--nginx", config, status=status, **hosts(first, second))
    findings = report["findings"]
    named = {each["cause"] for finding in findings for each in (finding, *finding["consequences"])}
    assert {first, second} <= named or hides(first, second)
    assert set(errors(report)) <= are_errors
    assert bool(errors(report)) == bool(are_errors)


def _two_breaks(seed: int) -> tuple[str, str, str]:
    """Return a pair that does not change the same line, and the shipped file with both."""
    random_ = random.Random(seed)
    while True:
        first, second = random_.sample([*ALL], 2)
        if "cache" in first and "cache" in second:
            continue  # Nginx refuses the same directive twice
        try:
            text = apply(apply(SHIPPED, ALL[first]), ALL[second])
            apply(apply(SHIPPED, ALL[second]), ALL[first])
        except ValueError:
            continue
        return first, second, text


@pytest.mark.parametrize("name", ["sign-in-page.conf", "sign-in-page-403.conf", "redirect.conf"])
def test_nothing_is_wrong_with_the_shipped_files(name: str, place: Place, tmp_path: Path) -> None:
    assert errors(behind((RECIPES / name).read_text(), place, tmp_path, "--post", status=0)) == {}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("auth_request /oauth2/auth;", "", "live_open"),
        ("auth_request /oauth2/auth;", "auth_request /oauth2/start;", "live_own_500"),
        ("auth_request /oauth2/auth;", "auth_request /oauth2/auth; satisfy any; allow all;", "live_open"),
        ("location /oauth2/ {", "location /elsewhere/ {", "live_not_proxied"),
        ("error_page 401 = ", "error_page 401 =200 ", "live_sign_in_200"),
        (
            "proxy_set_header Host $host;",
            "proxy_hide_header Set-Cookie; proxy_set_header Host $host;",
            "live_no_cookie",
        ),
        (
            "location /oauth2/ {",
            "location /oauth2/ { proxy_cookie_path / /elsewhere;",
            "live_cookie",
        ),
        ("proxy_pass http://127.0.0.1:4180;", "proxy_pass http://127.0.0.1:1;", "live_gate_down"),
    ],
)
def test_what_is_broken_is_named(old: str, new: str, expected: str, place: Place, tmp_path: Path) -> None:
    severity = "warning" if expected == "live_sign_in_200" else "error"
    report = behind(GOOD.replace(old, new), place, tmp_path, status=severity == "error")
    found = [each["cause"] for each in report["findings"] if each["severity"] == severity]
    assert expected in found, report["findings"]


def test_another_gate_answers(place: Place, tmp_path: Path) -> None:
    report = behind(GOOD, place, tmp_path, "--offline", status=1, client_id="another")
    assert errors(report) == {"live_other_gate": []}


def test_a_certificate_for_another_name(place: Place, tmp_path: Path) -> None:
    self_signed(tmp_path)
    assert errors(behind(GOOD, place, tmp_path, status=1)) == {"live_tls": []}


def test_mixed_schemes_explain_the_redirect_uri(place: Place, tmp_path: Path) -> None:
    with nginx(
        GOOD.replace("443 ssl", "80"),
        directory=tmp_path,
        upstreams={4180: place.gate_port, 8080: place.app_port},
    ) as front:
        options = ("--url", "http://app.example.com/reports", "--connect", f"127.0.0.1:{front.ports[80]}")
        found = errors(run(place.environment, *options, status=1))
    assert set(found) == {"url_scheme"}
    assert found["url_scheme"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    registered = client(f"{APP}/oauth2/callback", post_logout_redirect_uris=[f"{APP}/oauth2/signed_out"])
    with node_provider([registered], directory=tmp_path_factory.mktemp("node")) as op:
        yield gate_environment(op.issuer, allow_everyone="true")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"CLIENT_SECRET": "x" * 43}, {"provider_client"}),
        ({"CLIENT_ID": "unknown"}, {"provider_client"}),
        ({"PUBLIC_URL": f"{APP}/base"}, {"provider_redirect_uri"}),
        (
            {"CLIENT_SECRET": "x" * 43, "PUBLIC_URL": f"{APP}/base"},
            {"provider_client", "provider_redirect_uri"},
        ),
    ],
)
def test_the_certified_provider(changed: dict[str, str], expected: set[str], node: dict[str, str]) -> None:
    environment = node | {f"OIDC_GATE_{name}": value for name, value in changed.items()}
    report = run(environment, status=bool(expected))
    found = {each["cause"] for finding in report["findings"] for each in (finding, *finding["consequences"])}
    assert {name for name in found if name.startswith("provider_")} >= expected
    assert errors(report).keys() <= expected
    if not expected:
        verdicts = {each["question"]: each["answer"] for each in report["answers"]}
        assert verdicts["Is the redirect URI registered?"] == "right"
        assert verdicts["Does the provider accept the client's authentication?"] == "right"
        assert verdicts["Do the clocks of the provider and of this host agree?"] == "right"
