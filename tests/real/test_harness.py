"""Does the harness itself work: each part is started, answers, and is gone afterwards."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from tests.real import components
from tests.real.browser import Screens
from tests.real.nginx import nginx, substitute
from tests.real.op_node import client, node_provider, sign_in
from tests.real.ports import answers_tcp, free_port
from tests.real.process import running
from tests.real.redis_server import redis_server
from tests.real.servers import ASGI_SERVERS, WSGI_SERVERS, serving
from tests.real.tls import self_signed

STATIC = """
server {
    listen 80;
    server_name app.example.com;
    location / { root %s; }
    location /app/ { proxy_pass http://127.0.0.1:8080/; }
}
"""


@pytest.mark.parametrize("kind", WSGI_SERVERS)
def test_a_wsgi_server_answers(kind: str, tmp_path: Path) -> None:
    with serving(kind, "tests.real.hello:wsgi", directory=tmp_path) as server:
        assert requests.get(server.url, timeout=60).text == "hello"
    assert not answers_tcp(server.port)


@pytest.mark.parametrize("kind", ASGI_SERVERS)
def test_an_asgi_server_answers(kind: str, tmp_path: Path) -> None:
    with serving(kind, "tests.real.hello:asgi", directory=tmp_path) as server:
        assert requests.get(server.url, timeout=60).text == "hello"
    assert not answers_tcp(server.port)


def test_nginx_serves_a_file_and_an_application(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("from a file")
    with (
        serving("wsgiref", "tests.real.hello:wsgi", directory=tmp_path) as app,
        nginx(STATIC % tmp_path, directory=tmp_path, upstreams={8080: app.port}) as front,
    ):
        assert requests.get(f"{front.url}/hello.txt", timeout=60).text == "from a file"
        assert requests.get(f"{front.url}/app/", timeout=60).text == "hello"
        assert "start worker process" in front.error_log()


def test_nginx_speaks_tls(tmp_path: Path) -> None:
    text = (
        "server { listen 443 ssl; ssl_certificate /etc/a.pem; ssl_certificate_key /etc/b.pem; return 204; }"
    )
    with nginx(text, directory=tmp_path) as front:
        reply = requests.get(front.url, verify=str(tmp_path / "tls.crt"), timeout=60)
    assert reply.status_code == 204


def test_only_the_documented_replacements_are_made(tmp_path: Path) -> None:
    text = (
        "    listen 80;  # listen 80\n"
        "  proxy_pass http://127.0.0.1:4180;\n  root /var/www/html; set $x /var;\n"
    )
    replaced, ports = substitute(text, tmp_path, {4180: 8080})
    assert replaced == (
        f"    listen 127.0.0.1:{ports[80]};  # listen 80\n"
        f"  proxy_pass http://127.0.0.1:8080;\n  root {tmp_path}/var/www/html; set $x /var;\n"
    )


@pytest.mark.parametrize(
    ("text", "upstreams", "says"),
    [
        ("listen [::]:80;", {}, "write `listen PORT`"),
        ("proxy_pass http://127.0.0.1:41800;", {4180: 1}, "speaks to 127.0.0.1:4180"),
    ],
)
def test_a_configuration_that_cannot_be_moved_is_refused(
    text: str, upstreams: dict[int | str, int], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="^.*" + says.replace("[", r"\[")):
        substitute(text, tmp_path, upstreams)


def test_chromium_renders_a_page(page: Page, screens: Screens) -> None:
    page.set_content("<title>It works</title><h1>It works</h1>")
    assert page.title() == "It works"
    assert screens.keep(page, "page").read_bytes().startswith(b"\x89PNG")


def test_asyncio_works_after_chromium() -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"


def test_the_node_provider_signs_somebody_in(page: Page, tmp_path: Path) -> None:
    with (
        serving("wsgiref", "tests.real.hello:wsgi", directory=tmp_path) as app,
        node_provider([client(f"{app.url}/cb")], directory=tmp_path) as provider,
    ):
        metadata = requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=60).json()
        assert metadata["issuer"] == provider.issuer
        challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
        page.goto(
            f"{metadata['authorization_endpoint']}?client_id=gate&response_type=code&scope=openid%20email"
            f"&redirect_uri={app.url}/cb&code_challenge={challenge}&code_challenge_method=S256&state=s"
        )
        sign_in(page)
        page.wait_for_url(f"{app.url}/cb?code=*")
        assert page.locator("body").inner_text() == "hello"


@pytest.mark.parametrize(("shown", "status"), [(True, 200), (False, 401)])
def test_the_node_provider_knows_a_client_by_its_certificate(
    shown: bool, status: int, tmp_path: Path
) -> None:
    certificate, key = (str(path) for path in self_signed(tmp_path))
    metadata = {
        "client_id": "by-certificate",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=localhost",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
    }
    tls = {"key": key, "cert": certificate, "ca": certificate}
    features = {"clientCredentials": {"enabled": True}}
    with node_provider([metadata], directory=tmp_path, tls=tls, features=features) as provider:
        reply = requests.post(
            f"{provider.issuer}/token",
            data={"grant_type": "client_credentials", "client_id": "by-certificate"},
            cert=(certificate, key) if shown else None,
            verify=certificate,
            timeout=60,
        )
    assert reply.status_code == status


def test_redis_answers(tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        assert answers_tcp(server.port)
    assert not answers_tcp(server.port)


def test_a_server_that_ends_shows_its_log(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no such file')"]
    with (
        pytest.raises(RuntimeError, match=r"broken ended with 1:\n(.*\n)*no such file"),
        running("broken", argv, port=free_port(), directory=tmp_path),
    ):
        pass


def test_a_server_that_ignores_the_request_to_end_is_ended(tmp_path: Path) -> None:
    code = (
        "import signal, socket, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
    )
    port = free_port()
    argv = [sys.executable, "-c", code, str(port)]
    with running("deaf", argv, port=port, directory=tmp_path, grace_seconds=0.2) as server:
        assert not server.ended
    assert server.ended


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_part_skips_here_and_fails_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-command is not installed"):
        components.need("no-such-command")
