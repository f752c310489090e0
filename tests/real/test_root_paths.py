"""A public rule opens the view that it names and no other, in every framework, on servers with a root path and without.

The applications have one view below `/public`, which the rule names, and one for everything else. Routers differ in
how they take a root path off, and in whether they dispatch on the raw path or on the decoded one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.real.nginx import nginx
from tests.real.root_path_apps import APPS, INSTALLED, OPEN, SECRET
from tests.real.servers import serving

ROOT_OPTION = {"uvicorn": "--root-path", "hypercorn": "--root-path", "granian-asgi": "--url-path-prefix"}
PLACES = [(server, root) for server in ROOT_OPTION for root in ("", "/base")]
BEHIND_NGINX = "blacksheep behind nginx"

# What stands after the root path, which the proxy has removed or not.
TARGETS = [
    *("/public", "/public/", "/public//a", "//public/a", "/PUBLIC/a", "/secret", "/", "/mounted/public/a"),
    *("/%70ublic/a", "/public%2Fa", "/public%2fx/admin", "/publi%63/x", "/public/a%2Fb", "/public%2F"),
    *("/public/x%23y", "/public/x%3Fy", "/public/x%5Cy", "/public/x%00", "/public/%2e%2e/secret"),
    *("/public/../secret", "/public/..%2fsecret", "/public/x/../../secret", "/public/%252e%252e/secret"),
    *(
        "/public/%c0%ae%c0%ae/secret",
        "/public/x;/../../secret",
        "/public/a/",
        "/public/a%20b",
        "/public/%EF%BC%8F",
    ),
    *("/public/base/a", "/public/base/secret", "/public/basement", "/x/base/public/a", "/basement/public/a"),
    *("/b%61se/public/a", "/base%2Fpublic/a", "/base//public/a", "/base/../public/a", "/basepublic/a"),
]
ALL = [
    *(root + target for root in ("", "/base") for target in TARGETS),
    *(
        root + target
        for root in ("/base/base", "//base", "http://h", "http://h/base", "http://h/x/base")
        for target in ("/public/a", "/secret", "/public%2Fa", "/%70ublic/a")
    ),
]


def ask(port: int, target: str, app: str) -> tuple[int, str]:
    """Send a target as it is; HTTP libraries tidy it up."""
    lines = (f"GET {target} HTTP/1.1", "Host: app.example", f"X-App: {app}", "Connection: close", "", "")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read().decode()


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place[0] + place[1])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, int]]:
    server, root = request.param
    with serving(
        server,
        "tests.real.root_path_apps:asgi",
        directory=tmp_path_factory.mktemp("roots"),
        env={"APPS": ",".join(INSTALLED)},
        options=[ROOT_OPTION[server], root] if root else [],
    ) as running:
        yield server, root, running.port


@pytest.mark.parametrize("app", [name for name in APPS if name != BEHIND_NGINX])
def test_a_public_rule_opens_the_view_that_it_names_and_no_other(
    place: tuple[str, str, int], app: str
) -> None:
    server, root, port = place
    if app not in INSTALLED:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{APPS[app][0]} is not installed")
        pytest.skip(f"{APPS[app][0]} is not installed")
    answers = {target: ask(port, target, app) for target in ALL}
    assert [target for target, (_, text) in answers.items() if SECRET in text] == []
    # Each of these is the public view in the reading of this framework on this server, and is open there.
    counted = root and server == "uvicorn"  # only uvicorn puts the root path in front of what was sent
    works = {"/public/a%20b"} | ({"/base/public/a%20b"} if root and not counted else set())
    if app.startswith(("falcon", "sanic")):
        works = set() if counted else {"/public/a%20b"}
    if app.startswith("quart") and root and not counted:
        works = {"/base/public/a%20b"}
    assert works <= {target for target, (_, text) in answers.items() if OPEN in text}


# What the server leaves of the request target in the environ; without it, the decoded path is all there is.
TELLS_RAW = {"gunicorn-sync": True, "waitress": True, "werkzeug": True}
TELLS_RAW |= dict.fromkeys(("granian-wsgi", "hypercorn-wsgi", "uvicorn-wsgi", "wsgiref"), False)


@pytest.mark.parametrize("server", TELLS_RAW)
def test_over_wsgi_a_public_rule_opens_the_view_that_it_names_and_no_other(
    server: str, tmp_path: Path
) -> None:
    with serving(server, "tests.real.root_path_apps:wsgi", directory=tmp_path) as running:
        answers = {target: ask(running.port, target, "") for target in ALL}
    assert [target for target, (_, text) in answers.items() if SECRET in text] == []
    assert answers["/public/a%20b"] == (200, OPEN)
    assert answers["/public/%252e%252e/secret"][0] == 401
    for target in ("/%70ublic/a", "/public%2fx/admin", "http://h/public%2Fa", "http://h/%70ublic/a"):
        assert answers[target][0] in ((401, 400) if TELLS_RAW[server] else (200, 401, 400)), target
    if server == "waitress":  # it removes the first slash from PATH_INFO, and not from REQUEST_URI
        assert answers["//public/a"][0] == 401


NGINX = """
server {
    listen 80;
    location / { auth_request /oauth2/auth; proxy_pass http://127.0.0.1:8080; }
    location = /oauth2/auth {
        internal;
        proxy_pass http://127.0.0.1:4180;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header X-Original-URI $request_uri;
        proxy_set_header X-Original-Method $request_method;
    }
}
"""


def test_behind_nginx_a_router_on_the_raw_path_opens_the_same(tmp_path: Path) -> None:
    """`/pub%2Fx/admin` and `/%70ub/admin` before Express, Fastify or Go; here before BlackSheep."""
    if BEHIND_NGINX not in INSTALLED:
        pytest.skip("blacksheep is not installed")
    with ExitStack() as stack:
        app = stack.enter_context(
            serving(
                "uvicorn", "tests.real.root_path_apps:asgi", directory=tmp_path, env={"APPS": BEHIND_NGINX}
            )
        )
        backend = "tests.real.root_path_apps:backend"
        gate = stack.enter_context(serving("uvicorn", backend, directory=tmp_path, options=["--factory"]))
        upstreams: dict[int | str, int] = {8080: app.port, 4180: gate.port}
        front = stack.enter_context(nginx(NGINX, directory=tmp_path, upstreams=upstreams))
        port = front.ports[80]
        assert ask(app.port, "/public%2Fx/admin", BEHIND_NGINX) == (200, SECRET)
        for target in ("/public/a", "/public/a%20b", "/public/caf%C3%A9", "/public/a?b=/secret"):
            assert ask(port, target, BEHIND_NGINX) == (200, OPEN), target
        for target in ALL:
            assert SECRET not in ask(port, target, BEHIND_NGINX)[1], target
        for target in ("/public%2Fx/admin", "/%70ublic/admin", "/public/", "/public/x%2Fy", "/secret"):
            assert ask(port, target, BEHIND_NGINX)[0] == 401, target
