"""What is public, and what opens a door: the path that the application dispatches on, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.security.conftest import SHELLS, MakeSite, from_peer
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get")
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD"),
    pytest.mark.usefixtures("log_level"),
]


def is_shut(site: Site, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> bool:
    """Tell whether an anonymous request gets 401 and the application is not called."""
    site.app.seen.clear()
    answer = site.visitor().open(method, target, headers)
    return answer.status == 401 and site.app.seen == []


def is_open(site: Site, target: str) -> bool:
    site.app.seen.clear()
    return site.visitor().open("GET", target).status == 200 and len(site.app.seen) == 1


@pytest.mark.parametrize(
    "target", ["/admin?/open/x", "/admin?x=/open/x", "/admin?&/open/", "/?/login", "/login/?x=/login"]
)
def test_cve_2025_54576_a_public_rule_never_sees_the_query(make_site: MakeSite, target: str) -> None:
    site = make_site(public_paths=("/open/*", "/login"))
    assert is_open(site, "/open/x?next=/admin")
    assert is_open(site, "/login")
    assert is_shut(site, target)


@pytest.mark.parametrize(
    "target",
    [
        "/admin%23/open/x",
        "/admin#/open/x",
        "/login%23/admin",
        "/login%3f/admin",
        "/login%00",
        "/open/..%2fadmin",
        "/open/%2e%2e/admin",
        "/open/../admin",
        "/open/.%2e/admin",
        "/open/./x",
        "/open/x/..",
        "/open/%2e",
        "/open//admin",
        "//open/x",
        "/open/..%5cadmin",
        "/open/..\\admin",
        "/open/x;/../admin",
        "/open/x;jsessionid=1",
        "/open/%3b",
        "/open/x%00",
        "/open/%0d%0a",
        "/open/%252e%252e%252fadmin",
        "/open/%25",
        "/Open/x",
        "/open",
        "/open/",
        "/openx",
        "/open%2Fx/admin",
        "/open%2fx/admin",
        "/%6fpen/admin",
        "/op%65n/admin",
        "/open/x%2Fadmin",
        "/open%2F",
        "/log%69n",
        "/%6Cogin",
        "/LOGIN",
        "/login/",
    ],
)
def test_cve_2026_41059_no_spelling_of_a_path_widens_a_public_rule(make_site: MakeSite, target: str) -> None:
    site = make_site(public_paths=("/open/*", "/login"))
    for fine in ("/open/x", "/open/a%20b/c", "/open/%C3%A9", "/open/%c3%a9", "/open/x/"):
        assert is_open(site, fine)
    assert is_shut(site, target)


@pytest.mark.parametrize("target", ["/open/%c0%ae%c0%ae/admin", "/open/%ff", "/open/%ed%a0%80"])
def test_cve_2026_41059_bytes_that_are_no_text_widen_nothing(make_site: MakeSite, target: str) -> None:
    assert is_shut(make_site(public_paths=("/open/*",)), target)


@pytest.mark.parametrize(
    ("sent", "path", "public"),
    [
        ("/open/x", "/open/x", True),
        ("/open/x?y", "/open/x", True),
        ("http://h/open/x", "/open/x", True),
        ("HTTPS://h:8/open/a%20b", "/open/a b", True),
        ("", "/open/x", True),  # the server does not say
        # What servers make of each: waitress and werkzeug remove a slash, uWSGI resolves dots, gunicorn ends at #.
        ("//open/x", "/open/x", False),
        ("//h/open/x", "/open/x", False),
        ("/a/../open/x", "/open/x", False),
        ("/open/x#y", "/open/x", False),
        ("http://h/open%2Fx", "/open/x", False),
        ("http://h/%6fpen/x", "/open/x", False),
        ("http://h?/open/x", "/open/x", False),
        ("ftp://h/open/x", "/open/x", False),
        ("h:80", "/open/x", False),
        ("*", "/open/x", False),
        ("/secret", "/open/x", False),
        ("/open/\xc3\xa9", "/open/\xc3\xa9", False),
    ],
)
def test_a_request_target_that_is_another_path_is_not_public(sent: str, path: str, public: bool) -> None:
    site = Site(SHELLS["wsgi"], public_paths=("/open/*",))
    for name, other in (("RAW_URI", "REQUEST_URI"), ("REQUEST_URI", "RAW_URI")):
        site.app.seen.clear()
        target: dict[str, Any] = {"PATH_INFO": path, name: sent, other: ""}
        answer = site.visitor().open("GET", "/x", **target)
        assert (answer.status, len(site.app.seen)) == ((200, 1) if public else (401, 0)), name


def test_the_sign_in_leads_back_to_the_path_that_the_application_sees() -> None:
    site = Site(SHELLS["wsgi"])
    for sent, back in (("//reports", "/reports"), ("http://h/a%20b", "/a%20b"), ("*", "/reports")):
        target: dict[str, Any] = {"PATH_INFO": unquote(back), "RAW_URI": sent}
        answer = site.visitor().open("GET", "/y", NAVIGATION, **target)
        assert site.rd(site.start_link(answer)) == back


@pytest.mark.parametrize("prefix", ["/users", "/a/b"])
def test_a_rule_for_what_is_below_opens_neither_the_collection_nor_its_slash(
    make_site: MakeSite, prefix: str
) -> None:
    """FastAPI's ``APIRouter(prefix="/users")`` with ``@get("/")``: many routers take both for one view."""
    site = make_site(public_paths=(f"{prefix}/*",))
    assert is_open(site, f"{prefix}/1")
    for target in (prefix, f"{prefix}/", f"{prefix}//", f"{prefix}/?x", f"{prefix}/%2F", f"{prefix}%2F1"):
        assert is_shut(site, target)
    both = make_site(public_paths=(f"{prefix}/*", f"{prefix}/"))
    assert is_open(both, f"{prefix}/")
    assert is_shut(both, prefix)


def test_a_rule_for_what_is_below_the_root_does_not_open_the_root(make_site: MakeSite) -> None:
    site = make_site(public_paths=("OPTIONS /*",))
    assert site.visitor().open("OPTIONS", "/x").status == 200
    assert is_shut(site, "/", method="OPTIONS")
    assert make_site(public_paths=("OPTIONS /*", "OPTIONS /")).visitor().open("OPTIONS", "/").status == 200


SPOOFED = [
    {"X-Forwarded-Uri": "/open/x", "X-Forwarded-Method": "GET"},
    {"X-Original-URI": "/open/x", "X-Original-Method": "GET"},
    {"X-Original-URL": "/open/x"},
    {"X-Rewrite-URL": "/open/x"},
    {"X-Auth-Request-Redirect": "/open/x"},
    {"X-HTTP-Method-Override": "OPTIONS"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
]


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: next(iter(headers)))
def test_cve_2026_40575_in_process_the_requests_own_path_is_judged(
    make_site: MakeSite, headers: dict[str, str]
) -> None:
    site = make_site(public_paths=("/open/*", "OPTIONS /*"))
    assert is_shut(site, "/admin", headers)
    assert is_shut(site, "/oauth2/auth", headers)
    assert is_shut(site, "/oauth2/userinfo", headers)


def test_cve_2026_40575_what_a_backend_is_told_counts_from_trusted_peers_alone(make_site: MakeSite) -> None:
    site = make_site(
        public_paths=("/open/*",),
        trusted_proxies=("10.0.0.0/8",),
        original_uri_header="X-Original-URI",
        original_method_header="X-Original-Method",
    )
    told = {"X-Original-URI": "/open/x", "X-Original-Method": "GET"}
    for peer, status in (("10.0.0.1", 202), ("11.0.0.1", 401), ("192.0.2.7", 401), ("127.0.0.1", 401)):
        answer = site.visitor().open("GET", "/oauth2/auth", told, **from_peer(site, peer))
        assert answer.status == status, peer
    for bent in (
        {"X-Original-URI": "/open/x"},
        {"X-Original-Method": "GET"},
        told | {"X-Original-URI": "/open/x#y"},
        told | {"X-Original-URI": "/open/x\\y"},
        told | {"X-Original-URI": "/admin?/open/x"},
        told | {"X-Original-URI": "/open/../admin"},
        told | {"X-Original-URI": "/open%2Fx/admin"},
        told | {"X-Original-URI": "/%6fpen/admin"},
        told | {"X-Original-URI": "/open/x%2Fadmin"},
        told | {"X-Original-URI": "/open/x%23y"},
        told | {"X-Original-URI": "/open/x%3Fy"},
        told | {"X-Original-URI": "/open/"},
        told | {"X-Original-URI": "https://app.example/%6fpen/admin"},
    ):
        answer = site.visitor().open("GET", "/oauth2/auth", bent, **from_peer(site, "10.0.0.1"))
        assert answer.status == 401, bent


def test_oauth2_proxy_3506_host_and_scheme_are_believed_of_nobody_by_default(make_site: MakeSite) -> None:
    spoofed = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=http",
        "X-Host": "evil.example",
    }
    for site in (make_site(), make_site(trusted_proxies=("10.0.0.0/8",)), make_site(public_url=ORIGIN)):
        answer = site.visitor().open("GET", "/oauth2/start", NAVIGATION | spoofed)
        asked = parse_qs(urlsplit(answer.header("location")).query)
        assert asked["redirect_uri"] == [f"{ORIGIN}/oauth2/callback"]
        assert "evil" not in site.visitor().open("GET", "/reports", FETCH | spoofed).text
    trusting = make_site(trusted_proxies=("10.0.0.0/8",))
    answer = trusting.visitor().open(
        "GET", "/oauth2/start", NAVIGATION | spoofed, **from_peer(trusting, "10.0.0.1")
    )
    assert "redirect_uri=http%3A%2F%2Fevil.example%2Fevil" in answer.header("location")


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "GoogleHC/1.0"},
        {"User-Agent": "kube-probe/1.31"},
        {"User-Agent": "ELB-HealthChecker/2.0"},
        {"User-Agent": "Envoy/HC"},
        {"X-Health-Check": "1", "X-Forwarded-User": "root"},
        {"X-Middleware-Subrequest": "middleware:middleware:middleware:middleware:middleware"},
        {"Authorization": "Basic cm9vdDpyb290"},
        {"Authorization": "Bearer e30.e30.e30"},
        {"X-Forwarded-Access-Token": "root", "X-Auth-Request-User": "root", "Remote-User": "root"},
    ],
    ids=str,
)
def test_cve_2026_34457_no_header_opens_anything(site: Site, headers: dict[str, str]) -> None:
    for target in ("/", "/reports", "/oauth2/auth", "/oauth2/forward", "/oauth2/userinfo"):
        assert is_shut(site, target, headers), target


@pytest.mark.parametrize("method", METHODS)
def test_mozilla_django_oidc_504_a_session_that_ended_is_over_for_every_method(
    site: Site, method: str
) -> None:
    visitor = site.person()
    assert visitor.send(method, "/reports").status == 200
    site.now += 3600
    site.app.seen.clear()
    assert visitor.send(method, "/reports").status == 401
    assert site.app.seen == []


@pytest.mark.parametrize("path", ["/open/base/secret", "/open/base", "/open/x/base/secret", "/open/basement"])
def test_a_path_that_litestar_and_quart_cut_at_the_mount_is_not_public(path: str) -> None:
    # they dispatch on what follows the first root_path, wherever it stands; Hypercorn does not put it in front
    site = Site(SHELLS["asgi"], public_paths=("/open/*",))

    def get(path: str) -> int:
        return site.visitor().open("GET", path, root_path="/base").status

    assert get(path) == 401
    assert site.app.seen == []
    for plain in ("/open/x", "/base/open/x", "/base/open/base/x", "/open/abase/x"):
        assert get(plain) == 200
    assert len(site.app.seen) == 4


ROOT_PATHS = [
    # root_path, path, raw_path, public
    ("/base", "/base/open/x", b"/base/open/x", True),  # as uvicorn has it
    ("/base", "/open/x", b"/open/x", True),  # as Hypercorn has it
    ("/base", "/open/x", b"/base/open/x", True),  # as the middleware of Litestar has it under uvicorn
    ("/base", "/base/open/x", None, False),  # which of these it is, nothing tells
    ("/base", "/open/x", None, True),
    # Litestar has taken the mount off: it dispatches on /base/open/x.
    ("/base", "/base/open/x", b"/base/base/open/x", False),
    ("/base", "/base/base/open/x", b"/base/base/open/x", False),
    ("/base", "/base/base/open/x", b"/base/base/base/open/x", False),
    # Litestar hands a mounted application the rest of the path.
    ("", "/open/x", b"/admin/open/x", False),
    ("/base", "/open/x", b"/base/admin/open/x", False),
    ("/base", "/open/x", b"/b%61se/open/x", False),
    ("/base", "/base/open/x", b"/base%2Fopen/x", False),
    ("/base", "/open/x", b"http://h/base/open/x", False),
    # Starlette does not take off what ends with a slash; Daphne takes root_path from a header of the client.
    ("/x/", "/x/open/x", b"/x/open/x", False),
    ("x", "/x/open/x", b"/x/open/x", False),
    ("/", "/open/x", b"/open/x", True),
]


@pytest.mark.parametrize(("root_path", "path", "raw", "public"), ROOT_PATHS)
def test_a_root_path_that_may_be_taken_off_in_two_ways_makes_nothing_public(
    root_path: str, path: str, raw: bytes | None, public: bool
) -> None:
    site = Site(SHELLS["asgi"], public_paths=("/open/*", "/base/open/*"))
    answer = site.visitor().open("GET", "/y", root_path=root_path, path=path, raw_path=raw)
    assert (answer.status, len(site.app.seen)) == ((200, 1) if public else (401, 0))


@pytest.mark.parametrize(
    ("framework", "path", "public"),
    [
        ("falcon", "/base/open/x", False),  # it dispatches on the whole path
        ("falcon", "/open/x", True),
        ("sanic", "/base/open/x", False),
        ("quart", "/base/open/x", True),
        ("quart", "/open/x", False),  # it dispatches on no path
        ("starlette", "/base/open/x", True),
        ("starlette", "/open/x", True),
    ],
)
@pytest.mark.parametrize("layers", [None, 0, 2])
def test_a_framework_that_dispatches_on_another_path_than_the_one_below_the_root_path_is_known(
    framework: str, path: str, public: bool, layers: int | None
) -> None:
    seen: list[str] = []

    class App:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

    class Layer:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

    App.__module__ = f"{framework}.app"
    app: Any = type("OfTheOperator", (App,), {})()
    if layers is None:
        app = app.__call__  # as in app.asgi_app = OIDCGate(app.asgi_app)
    for _ in range(layers or 0):
        app = Layer(app)
    site = Site(SHELLS["asgi"], app, public_paths=("/open/*",))
    assert site.visitor().open("GET", path, root_path="/base").status == (200 if public else 401)
    assert seen == ([path] if public else [])


@pytest.mark.parametrize(
    ("script_name", "path", "sent", "public"),
    [
        ("/base", "/open/x", "/base/open/x", True),
        ("/base", "/open/x", "/open/x", True),  # the proxy took it off, and a middleware put it back
        ("/base", "/open/x", "", True),
        ("/caf\xc3\xa9", "/open/x", "/caf%C3%A9/open/x", True),
        ("/base", "/open/base/x", "/base/open/base/x", True),
        ("/base", "/base/open/x", "/base/base/open/x", False),  # a middleware may take it off once more
        ("/base", "/base/open/x", "", False),
        ("/base", "/open/x", "/b%61se/open/x", False),
        ("/base", "/open/x", "/base/base/open/x", False),
        ("/base", "/open/x", "/other/open/x", False),
    ],
)
def test_a_script_name_that_may_be_taken_off_in_two_ways_makes_nothing_public(
    script_name: str, path: str, sent: str, public: bool
) -> None:
    site = Site(SHELLS["wsgi"], public_paths=("/open/*", "/base/open/*"))
    target = {"SCRIPT_NAME": script_name, "PATH_INFO": path, "RAW_URI": sent}
    answer = site.visitor().open("GET", "/y", **target)  # type: ignore[arg-type]
    assert (answer.status, len(site.app.seen)) == ((200, 1) if public else (401, 0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH, {}], ids=["navigation", "fetch", "curl"])
def test_ghsa_59jp_rwph_878r_nothing_protected_lies_behind_the_sign_in_page(
    site: Site, method: str, headers: dict[str, str]
) -> None:
    answer = site.visitor().send(method, "/reports", headers, b"a=1" if method == "POST" else b"")
    assert answer.status == 401
    assert b"the application" not in answer.body
    assert site.app.seen == []
    refusing = Site(site.shell, allowed_groups=("staff",))
    answer = refusing.person().send(method, "/reports", headers)
    assert answer.status == 403
    assert b"the application" not in answer.body
    assert refusing.app.seen == []


def test_headroom_3281_websockets_do_not_walk_past_the_gate() -> None:
    site = Site(SHELLS["asgi"], public_paths=("/open/*",))
    denial: dict[str, Any] = {"extensions": {"websocket.http.response": {}}}

    def dial(who: str, origin: str | None, **more: Any) -> tuple[str, int]:
        visitor = site.person() if who == "somebody" else site.visitor()
        headers = {"Origin": origin} if origin is not None else {}
        answer = visitor.open("GET", "/socket", headers, kind="websocket", **more)
        return answer.kind, answer.status

    assert dial("nobody", ORIGIN) == ("closed", 1008)
    assert dial("nobody", ORIGIN, **denial) == ("denied", 401)
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "http://app.example", "", "*"):
        assert dial("somebody", origin) == ("closed", 1008), origin
        assert dial("somebody", origin, **denial) == ("denied", 403), origin
    site.now += 7200
    assert site.app.seen == []
    assert dial("somebody", ORIGIN) == ("accepted", 101)
    visitor = site.person()
    site.now += 3600
    assert visitor.open("GET", "/socket", {"Origin": ORIGIN}, kind="websocket").kind == "closed"


HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def test_headroom_3281_over_wsgi_a_websocket_is_gated_too() -> None:
    """flask-sock on gunicorn: there the handshake is a GET with headers, and a cookie seen before let it through."""
    site = Site(SHELLS["wsgi"], public_paths=("/open/*",))
    alice = site.person()
    assert alice.get("/").status == 200
    site.app.seen.clear()
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "http://app.example", "", "*"):
        for path in ("/socket", "/open/socket"):
            assert alice.get(path, HANDSHAKE | {"Origin": origin}).status == 403, origin
    assert site.visitor().get("/socket", HANDSHAKE | {"Origin": ORIGIN}).status == 401
    assert site.app.seen == []
    assert alice.get("/socket", HANDSHAKE | {"Origin": ORIGIN}).status == 200
    assert alice.get("/socket", HANDSHAKE).status == 200


@pytest.mark.parametrize("endpoint", ["auth", "forward"])
def test_headroom_3281_the_question_of_a_proxy_about_a_websocket_is_answered_by_its_origin(
    site: Site, endpoint: str
) -> None:
    """Caddy asks with the handshake itself; Nginx and Traefik leave out ``Upgrade``, and no more."""
    alice = site.person()
    nginx = {name: value for name, value in HANDSHAKE.items() if name.startswith("Sec-")}
    for _ in range(2):
        assert alice.ask(endpoint).status == 202
        for asked in (HANDSHAKE, nginx):
            for origin in (
                "https://evil.example",
                "null",
                f"{ORIGIN}.evil.example",
                "http://app.example",
                "",
            ):
                assert alice.ask(endpoint, asked | {"Origin": origin}).status == 403, origin
            assert alice.ask(endpoint, asked | {"Origin": ORIGIN}).status == 202
            assert alice.ask(endpoint, asked).status == 202
            assert site.visitor().ask(endpoint, asked | {"Origin": ORIGIN}).status == 401
