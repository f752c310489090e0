"""Event streams, uploads and quiet WebSockets behind docs/nginx/*.conf; what an `error_page` line does to an answer."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.sync.client import connect

from oidc_gate.testing import Client, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    NAVIGATION,
    RECIPES,
    Visitor,
    gate_environment,
    oidc_gate_serve,
)
from tests.real.nginx import Nginx, nginx
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server
from tests.real.servers import serving
from tests.real.test_nginx_files import FILES, location_directives

AUTH = "https://auth.example.com"
# What the files do not set is inherited from here: Nginx's default of 60 s, made short.
SHORT_DEFAULT = "proxy_read_timeout 1s;\n"
UPLOAD_BYTES = 3_000_000


@dataclass(frozen=True)
class House:
    front: Nginx
    visitor: Visitor


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("uvicorn", "tests.real.streaming:app", directory=tmp_path_factory.mktemp("app")) as server:
        yield server


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.name)
def house(
    request: pytest.FixtureRequest, application: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Give each file with a user who is signed in at it."""
    directory = tmp_path_factory.mktemp("house")
    is_shared = request.param.name == "subdomains.conf"
    public_url = AUTH if is_shared else APP
    more = {"cookie_domain": "example.com", "allowed_redirect_hosts": "app.example.com"} if is_shared else {}
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[public_url + CALLBACK])
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client]))
        env = gate_environment(provider.issuer, public_url, **more)
        gate = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        upstreams: dict[int | str, int] = {4180: gate.port, 8080: application.port}
        text = SHORT_DEFAULT + request.param.read_text()
        (directory / "nginx").mkdir()
        front = stack.enter_context(nginx(text, directory=directory / "nginx", upstreams=upstreams))
        visitor = Visitor(front)
        provider.auto_login = "alice"
        visitor.open(f"{public_url}/oauth2/start?rd={public_url}/oauth2/ping")
        yield House(front, visitor)


def test_an_event_arrives_while_the_stream_is_open(house: House) -> None:
    with house.visitor.get(f"{APP}/events", stream=True, timeout=60) as reply:
        assert reply.status_code == 200
        lines = filter(None, reply.iter_lines(chunk_size=1))
        assert next(lines) == b"data: event"
        # The first event came before the end: the stream is still there for another.
        assert house.visitor.get(f"{APP}/next", timeout=60).status_code == 200
        assert next(lines) == b"data: event"


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_an_upload_of_three_megabytes(house: House, is_signed_in: bool) -> None:
    visitor = house.visitor if is_signed_in else Visitor(house.front)
    reply = visitor.post(
        f"{APP}/save", data=b"x" * UPLOAD_BYTES, headers=FETCH, timeout=60, allow_redirects=False
    )
    if is_signed_in:
        assert (reply.status_code, reply.text) == (200, str(UPLOAD_BYTES))
    else:
        assert reply.status_code in (400, 401, 403)
        assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_quiet_websocket_stays_open(house: House) -> None:
    context = ssl.create_default_context(cafile=str(house.front.prefix / "tls.crt"))
    context.check_hostname = False
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in house.visitor.cookies)
    with connect(
        "wss://app.example.com/live",
        sock=socket.create_connection(("127.0.0.1", house.front.ports[443])),
        ssl=context, proxy=None, ping_interval=None, open_timeout=60,
        additional_headers={"Cookie": cookies, "Origin": APP},
    ) as opened:  # fmt: skip
        time.sleep(2.5)  # longer than SHORT_DEFAULT
        opened.send("still here")
        assert opened.recv(timeout=60) == "still here"


@pytest.mark.parametrize(
    "example", sorted(REPOSITORY.glob("examples/*/nginx.conf")), ids=lambda file: file.parent.name
)
def test_the_examples_proxy_as_the_documented_file_does(example: Path) -> None:
    text = re.sub(r"(?m)^    ", "", example.read_text())
    documented = (RECIPES / "sign-in-page.conf").read_text()
    own, theirs = (
        location_directives(each, "/").partition("\n        location ")[0] for each in (text, documented)
    )
    assert own == theirs
    for size in ("client_max_body_size 100m;", "large_client_header_buffers 4 16k;"):
        assert size in text
        assert size in documented


# What docs/nginx.md and docs/troubleshooting.md say of `error_page`.

PAGE = (RECIPES / "sign-in-page.conf").read_text()
ERROR_PAGE = "error_page 401 = /oauth2/sign_in;"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = gate_environment(f"http://127.0.0.1:{free_port()}")
    with oidc_gate_serve(directory=tmp_path_factory.mktemp("gate"), env=env) as server:
        yield server


def answers(text: str, directory: Path, gate: Server, application: Server) -> list[tuple[int, str, str]]:
    """Return status, content type and text for a page load, a script and a form, each without a session."""
    upstreams: dict[int | str, int] = {4180: gate.port, 8080: application.port}
    directory.mkdir()
    with nginx(text, directory=directory, upstreams=upstreams) as front:
        visitor = Visitor(front)
        replies = [
            visitor.open(f"{APP}/reports?month=5"),
            visitor.get(f"{APP}/api", headers=FETCH, timeout=60),
            visitor.post(f"{APP}/save", data={"a": "b"}, headers=NAVIGATION, timeout=60),
        ]
    return [(reply.status_code, reply.headers["Content-Type"], reply.text) for reply in replies]


def test_the_equals_sign_changes_nothing_for_the_sign_in_page(
    gate: Server, application: Server, tmp_path: Path
) -> None:
    """`/oauth2/sign_in` answers 401 whenever Nginx shows it for a 401."""
    without = PAGE.replace(ERROR_PAGE, "error_page 401 /oauth2/sign_in;")
    assert without != PAGE
    told = answers(without, tmp_path / "without", gate, application)
    assert [status for status, _, _ in told] == [401, 401, 401]
    assert told == answers(PAGE, tmp_path / "with", gate, application)


@pytest.mark.parametrize(("recursive", "status"), [("on", 500), ("off", 401)])
def test_endpoints_that_no_location_passes_to_the_gate(
    gate: Server, application: Server, tmp_path: Path, recursive: str, status: int
) -> None:
    begin = PAGE.index("    # The pages that replace an answer.")
    end = PAGE.index("    location @oidc_gate_down")
    text = (PAGE[:begin] + PAGE[end:]).replace(
        "recursive_error_pages on;", f"recursive_error_pages {recursive};"
    )
    told = answers(text, tmp_path / "nginx", gate, application)
    assert {got for got, _, _ in told} == {status}
    error_log = (tmp_path / "nginx/error.log").read_text(errors="replace")
    assert ("rewrite or internal redirection cycle" in error_log) == (recursive == "on")
