"""WebSocket handshakes that arrive as HTTP: over WSGI, and as a proxy's question to ``auth`` and ``forward``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer, Upload
from tests.shells.site import FETCH, HOST, NAVIGATION, ORIGIN, Shell, Site, Visitor
from tests.shells.test_auth import assert_verdict
from tests.shells.test_mounted import WAYS, mounted

KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade"} | KEY
EVIL = "https://evil.example"
# How a handshake may look where a proxy, or HTTP/2, stands in between.
SHAPES: list[dict[str, str]] = [
    HANDSHAKE,
    {"Upgrade": "websocket"},
    {"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade"},
    {"Upgrade": "h2c, websocket/13"},
    KEY,
    {"Sec-WebSocket-Key": KEY["Sec-WebSocket-Key"]},
    {"Sec-WebSocket-Version": "13"},
    {":protocol": "websocket"},
]
NO_SHAPES: list[dict[str, str]] = [{}, {"Upgrade": "h2c"}, {"Connection": "Upgrade"}, {"Upgrade": ""}]
OWN = [ORIGIN, ORIGIN.upper(), "https://partner.example", None]
FOREIGN = [EVIL, "null", "", "*", f"http://{HOST}", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443", f"{ORIGIN}/"]
pytestmark = pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")


def with_origin(shape: dict[str, str], origin: str | None) -> dict[str, str]:
    return shape if origin is None else {**shape, "Origin": origin}


@pytest.fixture
def wsgi_site() -> Site:
    return Site(Shell("wsgi", "", "/oauth2"), public_paths=("/open/*", "POST /posted", "GET /got"),
                allowed_origins=("https://partner.example",))  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES[:-1])  # PEP 3333 has no pseudo-headers
@pytest.mark.parametrize("path", ["/socket", "/open/socket"])
def test_over_wsgi_a_page_of_another_site_may_not_open_one(
    wsgi_site: Site, shape: dict[str, str], path: str
) -> None:
    visitor = wsgi_site.person()
    assert visitor.get("/").status == 200  # from now on by the cache
    wsgi_site.app.seen.clear()
    for origin in FOREIGN:
        answer = visitor.get(path, with_origin(shape, origin))
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed"), origin
    assert wsgi_site.app.seen == []


@pytest.mark.parametrize("shape", SHAPES)
def test_over_wsgi_our_own_pages_may(wsgi_site: Site, shape: dict[str, str]) -> None:
    visitor = wsgi_site.person()
    for origin in OWN:
        for _ in range(2):
            assert visitor.get("/socket", with_origin(shape, origin)).status == 200
            assert wsgi_site.app.identity is not None
            assert wsgi_site.app.identity.subject == "alice"
            assert wsgi_site.app.header("cookie") == []
    assert wsgi_site.app.header("upgrade") == ([shape["Upgrade"]] if "Upgrade" in shape else [])


def test_over_wsgi_it_is_answered_as_http(wsgi_site: Site) -> None:
    answer = wsgi_site.visitor().get("/socket", HANDSHAKE | {"Origin": EVIL})
    assert (answer.status, answer.is_problem, answer.all("www-authenticate")) == (401, True, ["Bearer"])
    refusing = Site(wsgi_site.shell, allowed_groups=("staff",))
    answer = refusing.person().get("/socket", HANDSHAKE | {"Origin": ORIGIN})
    assert (answer.status, answer.json["code"]) == (403, "access_denied")
    assert wsgi_site.app.seen == refusing.app.seen == []


def test_over_wsgi_it_renews_no_session(wsgi_site: Site) -> None:
    visitor = wsgi_site.person()
    wsgi_site.now += wsgi_site.settings.session_idle_seconds / 2
    assert visitor.get("/socket", HANDSHAKE).all("set-cookie") == []
    wsgi_site.now += wsgi_site.settings.session_idle_seconds / 2 + 1
    assert visitor.get("/socket", HANDSHAKE).status == 401


@pytest.mark.parametrize("kind", ["wsgi", "asyncio"])
def test_public_paths_and_methods(wsgi_site: Site, kind: str) -> None:
    """A handshake is a GET: a rule for another method does not open it."""
    site = wsgi_site if kind == "wsgi" else Site(Shell(kind, "", "/oauth2"), public_paths=("/open/*", "POST /posted",
                                                                                       "GET /got"))  # fmt: skip
    more: dict[str, Any] = {}
    if kind != "wsgi":
        more = {"kind": "websocket", "extensions": {"websocket.http.response": {}}}
    opened = 200 if kind == "wsgi" else 101
    for path, status in (("/open/x", opened), ("/got", opened), ("/posted", 401), ("/in", 401)):
        assert site.visitor().get(path, HANDSHAKE | {"Origin": EVIL}, **more).status == status, path
        assert site.app.seen == [] or site.app.identity is None


@pytest.mark.parametrize("headers", NO_SHAPES)
def test_an_origin_counts_for_handshakes_alone(site: Site, headers: dict[str, str]) -> None:
    visitor = site.person()
    for _ in range(2):
        for asked in (FETCH, NAVIGATION):
            assert visitor.get("/", asked | headers | {"Origin": EVIL}).status == 200
            assert_verdict(visitor.ask("auth", asked | headers | {"Origin": EVIL}), 202)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("endpoint", ["auth", "auth?allowed_groups=staff", "forward"])
def test_the_question_of_a_proxy_is_answered_by_the_origin(
    make_site: MakeSite, shape: dict[str, str], endpoint: str
) -> None:
    site = make_site(allowed_groups=("staff",), allowed_origins=("https://partner.example",))
    visitor = site.person(groups=("staff",))
    for _ in range(2):
        assert_verdict(visitor.ask(endpoint), 202)
        for origin in FOREIGN:
            assert_verdict(visitor.ask(endpoint, with_origin(shape, origin)), 403)
        for own in OWN:
            assert_verdict(visitor.ask(endpoint, with_origin(shape, own)), 202)
    assert_verdict(site.visitor().ask(endpoint, with_origin(shape, ORIGIN)), 401)
    assert_verdict(site.person(groups=("x",)).ask(endpoint, with_origin(shape, ORIGIN)), 403)
    assert site.app.seen == []


def question(visitor: Visitor, endpoint: str, headers: dict[str, str], *, denial: bool = True) -> Answer:
    """Ask an endpoint over a WebSocket scope, which servers make of a handshake."""
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    target = visitor.site.path(endpoint)
    return visitor.open("GET", target, headers, kind="websocket", extensions=extensions)


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("flask", "root wsgi")])
@pytest.mark.parametrize("at", ["/oauth2", "/internal/sign-in"])
def test_mounted_it_is_answered_as_http_though_the_server_makes_a_websocket_of_it(way: str, at: str) -> None:
    site = mounted(way, at, "", allowed_origins=("https://partner.example",))
    visitor = site.visitor()
    visitor.sign_in()
    for endpoint in ("auth", "forward"):
        for origin in (ORIGIN, "https://partner.example"):
            admitted = question(visitor, endpoint, HANDSHAKE | {"Origin": origin})
            assert (admitted.kind, admitted.status) == ("denied", 202)
            assert_verdict(admitted, 202)
            assert admitted.header("x-auth-request-user") == "alice"
        foreign = question(visitor, endpoint, HANDSHAKE | {"Origin": EVIL})
        assert (foreign.kind, foreign.status, foreign.body) == ("denied", 403, b"")
        anonymous = question(site.visitor(), endpoint, HANDSHAKE | {"Origin": ORIGIN})
        assert (anonymous.kind, anonymous.status, anonymous.body) == ("denied", 401, b"")
        for origin in (ORIGIN, EVIL):
            closed = question(visitor, endpoint, HANDSHAKE | {"Origin": origin}, denial=False)
            assert (closed.kind, closed.status) == ("closed", 1008)
    assert question(visitor, "nothing", HANDSHAKE).status == 404


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES)
def test_mounted_no_short_way_goes_round_the_origin(way: str, shape: dict[str, str]) -> None:
    site = mounted(way, "/oauth2", "")
    visitor = site.visitor()
    visitor.sign_in()
    for _ in range(2):
        assert visitor.ask("auth").status == 202
        assert visitor.ask("auth", shape | {"Origin": EVIL}).status == 403
        assert visitor.ask("auth", shape | {"Origin": ORIGIN}).status == 202
        assert visitor.ask("auth", shape).status == 202


@pytest.mark.parametrize(
    ("told", "origin", "status"),
    [
        ({"X-Forwarded-Host": "wiki.example"}, "https://wiki.example", 202),
        ({"X-Forwarded-Host": "wiki.example", "X-Forwarded-Proto": "wss"}, "https://wiki.example", 202),
        ({"X-Forwarded-Host": "wiki.example"}, ORIGIN, 202),
        ({"X-Forwarded-Host": HOST}, "https://wiki.example", 403),
        ({"X-Forwarded-Host": "evil.example"}, EVIL, 403),
        ({}, "https://wiki.example", 403),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_the_origin_that_the_browser_used(
    make_site: MakeSite, told: dict[str, str], origin: str, status: int, trusted: bool
) -> None:
    """Traefik asks with a ``Host`` of its own: the browser's stands in ``X-Forwarded-Host``."""
    site = make_site(public_url=ORIGIN, allowed_redirect_hosts=("wiki.example",),
                     trusted_proxies=("192.0.2.7",) if trusted else ())  # fmt: skip
    if not trusted and origin != ORIGIN:
        status = 403
    asked = KEY | told | {"Origin": origin, "Host": "gate.internal"}
    visitor = site.person()
    pairs = [
        *asked.items(),
        ("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())),
    ]
    for endpoint in ("auth", "forward"):
        assert_verdict(site.send("GET", site.path(endpoint), pairs, Upload()), status)


def test_a_public_path_admits_a_handshake_as_it_admits_anything(make_site: MakeSite) -> None:
    site = make_site(public_paths=("GET /open/*",), trusted_proxies=("192.0.2.0/24",),
                     original_uri_header="X-Original-URI", original_method_header="X-Original-Method")  # fmt: skip
    told = HANDSHAKE | {"X-Original-URI": "/open/x", "X-Original-Method": "GET"}
    assert_verdict(site.visitor().ask("auth", told | {"Origin": EVIL}), 202)
    assert_verdict(site.visitor().ask("auth", told | {"X-Original-Method": "CONNECT", "Origin": EVIL}), 401)
    assert_verdict(site.person().ask("auth", told | {"Origin": EVIL}), 403)


def test_two_origins_are_none_of_ours(site: Site) -> None:
    visitor = site.person()
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    pairs = [("Host", HOST), ("Cookie", cookie), *KEY.items(), ("Origin", ORIGIN), ("Origin", EVIL)]
    assert_verdict(site.send("GET", site.path("auth"), pairs, Upload()), 403)


def test_forward_never_redirects_a_handshake(site: Site) -> None:
    for shape in SHAPES:
        asked = NAVIGATION | shape if site.shell.kind == "wsgi" else FETCH | shape
        assert_verdict(site.visitor().ask("forward", asked), 401)


def test_the_sign_in_that_nginx_shows_in_place_of_a_401(site: Site) -> None:
    answer = site.visitor().ask("sign_in", KEY | {"Origin": EVIL})
    assert (answer.status, answer.is_problem) == (401, True)


@pytest.mark.parametrize(("version", "connection"), [("1.1", ["close"]), ("2", [])])
def test_a_denial_ends_the_connection_that_it_came_by(version: str, connection: list[str]) -> None:
    """Behind Caddy hypercorn died of the next request on it; HTTP/2 knows no ``Connection`` (RFC 9113 §8.2.2)."""
    site = Site(Shell("asyncio", "", "/oauth2"))
    more: dict[str, Any] = {"extensions": {"websocket.http.response": {}}, "http_version": version}
    answer = site.person().open("GET", "/socket", {"Origin": EVIL}, kind="websocket", **more)
    assert (answer.status, answer.all("connection")) == (403, connection)
