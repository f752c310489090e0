"""CVE-2025-64484: no spelling of an identity header gets from a client to an application, on any server.

Raw sockets, since HTTP libraries tidy up what they send. Each spelling is also sent past the gate, to see what the
server itself lets through: where nothing arrives there, its absence behind the gate proves nothing.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple

import pytest

from oidc_gate import wsgi
from oidc_gate.model import Identity
from oidc_gate.testing.gate_session import TestSession
from tests.real.header_echo import STRIPS
from tests.real.nginx import nginx
from tests.real.servers import ASGI_SERVERS, WSGI_SERVERS, serving

FAMILIES = ("X-Forwarded", "X-Auth-Request")
SUFFIXES = ("User", "Email", "Groups", "Groups-Incomplete", "Preferred-Username", "Access-Token")
NAMES = [f"{family}-{suffix}" for family in FAMILIES for suffix in SUFFIXES] + ["Remote-User"]
# What a careless parser makes a name of; most servers answer 400.
MALFORMED = [
    "X-Forwarded-User : root",
    "X-Forwarded-User\t: root",
    " X-Forwarded-User: root",
    "X-Control: 1\r\n X-Forwarded-User: root",
    "X-Control: 1\nX-Forwarded-User: root",
    "X-Control: 1\rX-Forwarded-User: root",
    "X-Forwarded-User\x00: root",
    "\x0bX-Forwarded-User: root",
    "X\x00Forwarded-User: root",
]
NGINX = """
underscores_in_headers on;
server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }
"""


def spellings(name: str) -> list[str]:
    """Each dash, and all of them, as an underscore; in capitals and not."""
    dashes = [place for place, character in enumerate(name) if character == "-"]
    bent = [name, name.replace("-", "_")] + [f"{name[:at]}_{name[at + 1 :]}" for at in dashes]
    return [spelled for one in dict.fromkeys(bent) for spelled in (one, one.lower(), one.upper())]


SPELLINGS = [spelled for name in NAMES for spelled in spellings(name)]


class Seen(NamedTuple):
    """What the application saw: pairs of names, as they came, and values. Status 0: the connection was closed."""

    status: int
    pairs: list[tuple[str, str]]

    def of(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key.lower().replace("_", "-") == name.lower()]

    @property
    def planted(self) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.pairs if "root" in value]


def ask(port: int, path: str, lines: list[str], cookie: str = "") -> Seen:
    head = [f"GET {path} HTTP/1.1", "Host: app.example", "Connection: close", *lines]
    head += [f"Cookie: {cookie}"] if cookie else []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        try:
            response = HTTPResponse(connection)
            response.begin()
            body = response.read()
        except (OSError, HTTPException):
            return Seen(0, [])
    return Seen(response.status, [tuple(pair) for pair in json.loads(body)] if response.status == 200 else [])


@pytest.fixture(scope="module")
def session() -> str:
    gate = wsgi.OIDCGate(lambda environ, start_response: [], STRIPS)
    return TestSession(gate, Identity("", "alice", email="alice@corp.example", groups=("staff",)), "").add_to(
        ""
    )


@pytest.fixture(scope="module", params=[*WSGI_SERVERS, *ASGI_SERVERS, "nginx gunicorn", "nginx uvicorn"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory: Path = tmp_path_factory.mktemp("stripping")
    behind = {"nginx gunicorn": "gunicorn-dangerous", "nginx uvicorn": "uvicorn"}
    kind = behind.get(request.param, request.param)
    app = "tests.real.header_echo:" + ("asgi" if kind in ASGI_SERVERS else "wsgi")
    with serving(kind, app, directory=directory, ready_path="/raw") as server:
        if request.param not in behind:
            yield server.port
            return
        with nginx(NGINX, directory=directory, upstreams={8080: server.port}) as front:
            yield front.ports[80]


def chunks(lines: list[str], size: int) -> list[list[str]]:
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def test_no_spelling_reaches_the_application(port: int, session: str) -> None:
    arrived = 0
    for spelled in chunks(SPELLINGS, 40):
        lines = [*(f"{name}: root" for name in spelled), "X-Control: here"]
        raw = ask(port, "/raw", lines)
        assert (raw.status, raw.of("x-control")) == (200, ["here"])
        arrived += len(raw.planted)
        for path, cookie in (("open", ""), ("open", session), ("in", session), ("in", session)):
            for kind, user in (("strips", None), ("sets", "alice" if cookie else "")):
                seen = ask(port, f"/{kind}/{path}", lines, cookie)
                assert (seen.status, seen.of("x-control"), seen.planted) == (200, ["here"], [])
                if user is not None:
                    assert seen.of("x-forwarded-user") == [user]
                    assert seen.of("x-forwarded-groups") == ["staff" if user else ""]
    assert arrived >= len(NAMES)  # the server hands on at least one spelling of each


def test_one_by_one_no_spelling_reaches_the_application(port: int, session: str) -> None:
    """Beside each other, one may hide another."""
    for spelled in SPELLINGS[::3]:
        for path, cookie in (("/strips/open", ""), ("/strips/in", session)):
            seen = ask(port, path, [f"{spelled}: root"], cookie)
            assert (seen.status, seen.planted) == (200, []), spelled


def test_nothing_that_a_careless_parser_makes_a_name_of(port: int, session: str) -> None:
    """A folded line may end up in the value of the header before it (RFC 9112 §5.2), and nowhere else."""
    for line in MALFORMED:
        for path, cookie in (("/strips/open", ""), ("/sets/in", session)):
            seen = ask(port, path, [line], cookie)
            told = [pair for pair in seen.planted if pair[1].strip() == "root"]
            assert told == [], line


def test_without_a_session_a_header_opens_nothing(port: int) -> None:
    lines = [f"{name}: root" for name in NAMES] + ["Authorization: Bearer root", "Accept: application/json"]
    for path in ("/strips/in", "/sets/in"):
        assert ask(port, path, lines).status == 401
