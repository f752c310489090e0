"""`AuthBackend`, the endpoints without an application: mounted, its mount point is its prefix."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from oidc_gate import asgi, wsgi
from oidc_gate.effects import Background, Step
from oidc_gate.errors import ConfigurationError
from oidc_gate.gate import Gate
from oidc_gate.model import Decision, Request
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from oidc_gate.shells.mounted import MAX_MOUNTS
from tests.core.request.making import settings
from tests.shells.driving import run
from tests.shells.provider import CLIENT, ISSUER
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Shell, Site

WAYS = ["flask", "fastapi", "starlette", "root wsgi", "root asgi"]
AT = ["/oauth2", "/internal/sign-in"]


def mounted(way: str, at: str, base: str, **settings: Any) -> Site:
    """A site whose backend hangs at `at`, in an application that itself hangs at `base`."""
    is_wsgi = way in ("flask", "root wsgi")
    own_prefix = at if way.startswith("root") else "/oauth2"
    settings = {"public_url": ORIGIN + base} | settings
    site = Site(Shell("wsgi" if is_wsgi else "asyncio", base, own_prefix), **settings)
    kind: Any = wsgi.AuthBackend if is_wsgi else asgi.AuthBackend
    backend = kind(site.settings, world=site.world)
    if way == "flask":
        app = flask.Flask(__name__)
        app.add_url_rule("/", view_func=lambda: "the application")
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {at: backend})  # type: ignore[method-assign]
        site.gate = app
    elif way == "fastapi":
        api = FastAPI()
        api.mount(at, backend)
        site.gate = api
    else:
        site.gate = Starlette(routes=[Mount(at, backend)]) if way == "starlette" else backend
    site.shell = Shell(site.shell.kind, base, at)
    return site


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("base", ["", "/base"])
def test_the_whole_flow_below_the_mount(way: str, at: str, base: str) -> None:
    site = mounted(way, at, base)
    visitor = site.visitor()
    assert (visitor.ask("auth").status, visitor.ask("auth").body) == (401, b"")
    page = visitor.ask("sign_in", NAVIGATION | {"X-Auth-Request-Redirect": f"{base}/reports?x=1"})
    assert page.status == 401
    assert site.rd(site.start_link(page)) == f"{base}/reports?x=1"
    answer = visitor.sign_in("/reports")
    assert (answer.status, answer.header("location")) == (302, f"{base}/reports")
    for _ in range(2):
        verdict = visitor.ask("auth")
        assert (verdict.status, verdict.body, verdict.all("content-length")) == (202, b"", ["0"])
        assert verdict.header("x-auth-request-user") == "alice"
    assert visitor.ask("auth?allowed_groups=none").status == 403
    assert visitor.ask("userinfo").json["sub"] == "alice"
    out = visitor.ask("sign_out", {"Origin": ORIGIN}, "POST")
    assert (out.status, COOKIE in visitor.cookies) == (303, False)
    assert f"{base}{at}/signed_out".replace("/", "%2F") in out.header("location") or (
        f"{base}{at}/signed_out" in out.header("location")
    )
    assert visitor.ask("auth").status == 401


@pytest.mark.parametrize("at", AT)
def test_without_public_url_the_mount_says_where_the_endpoints_are(way: str, at: str) -> None:
    site = mounted(way, at, "", public_url=None, trusted_proxies=("192.0.2.0/24",))
    visitor = site.visitor()
    started = visitor.ask("start", NAVIGATION)
    asked = parse_qs(urlsplit(started.header("location")).query)
    assert urlsplit(asked["redirect_uri"][0]).path == f"{at}/callback"


OPEN = {"public_url": None, "trusted_proxies": ("192.0.2.0/24",)}
BASES = ["/base", "/a/b.c", "/oauth2x", "/x/oauth2-"]


@pytest.mark.parametrize("way", ["root wsgi", "root asgi"])
@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_root_of_an_application_that_is_mounted_itself(way: str, at: str, base: str, slash: str) -> None:
    """Without `public_url`: the mount is the application's, and the prefix is that of the settings."""
    site = mounted(way, at, base, **OPEN)
    backend = site.gate
    kind = site.shell.kind

    def with_slash(environ: dict[str, Any], start_response: Any) -> Any:
        return backend(environ | {"SCRIPT_NAME": environ["SCRIPT_NAME"] + slash}, start_response)

    async def with_slash_asgi(scope: Any, receive: Any, send: Any) -> None:
        await backend(scope | {"root_path": scope["root_path"] + slash}, receive, send)

    site.gate = with_slash if kind == "wsgi" else with_slash_asgi
    visitor = site.visitor()
    assert (visitor.ask("auth").status, visitor.ask("auth").body) == (401, b"")
    page = visitor.ask("sign_in", NAVIGATION | {"X-Auth-Request-Redirect": f"{base}/reports?x=1"})
    assert site.rd(site.start_link(page)) == f"{base}/reports?x=1"
    started = visitor.ask("start", NAVIGATION)
    asked = parse_qs(urlsplit(started.header("location")).query)
    assert asked["redirect_uri"] == [f"{ORIGIN}{base}{at}/callback"]
    assert visitor.sign_in("/reports").header("location") == f"{base}/reports"
    for _ in range(2):
        verdict = visitor.ask("auth")
        assert (verdict.status, verdict.header("x-auth-request-user")) == (202, "alice")
        assert visitor.ask("auth?allowed_groups=none").status == 403
    out = visitor.ask("sign_out", {"Origin": ORIGIN}, "POST")
    assert (out.status, COOKIE in visitor.cookies) == (303, False)
    assert visitor.ask("auth").status == 401
    assert visitor.ask("nothing").status == 404
    assert visitor.open("GET", f"{base}{at}x/auth", NAVIGATION).status == 404


@pytest.mark.parametrize("public_url", [None, ORIGIN])
@pytest.mark.parametrize("base", ["", "/base"])
def test_a_mount_that_ends_with_the_prefix_has_no_second_set_of_endpoints(
    way: str, base: str, public_url: str | None
) -> None:
    """A proxy lets nobody ask for ``/oauth2/auth``, which ``/oauth2/oauth2/auth`` must not be a way around."""
    settings = OPEN if public_url is None else {"public_url": public_url + base}
    site = mounted(way, "/oauth2", base, **settings)
    visitor = site.visitor()
    visitor.sign_in()
    assert visitor.ask("auth").status == 202
    for endpoint in ("auth", "userinfo", "start", "ping"):
        assert visitor.open("GET", f"{base}/oauth2/oauth2/{endpoint}", FETCH).status == 404


@pytest.mark.parametrize("way", ["flask", "fastapi", "starlette"])
@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("told", [{}, {"X-Forwarded-Prefix": "/base"}], ids=["root path", "prefix too"])
def test_the_application_around_it_is_where_a_sign_in_leads_to(
    way: str, at: str, told: dict[str, str]
) -> None:
    """The settings name the prefix; the rest of the mount is the application's, as a trusted proxy may say too."""
    site = mounted(way, at, "/base", **OPEN, prefix=at)
    visitor = site.visitor()
    started = visitor.ask("start", NAVIGATION | told)
    asked = parse_qs(urlsplit(started.header("location")).query)
    assert asked["redirect_uri"] == [f"{ORIGIN}/base{at}/callback"]
    assert site.rd(site.start_link(visitor.ask("sign_in", NAVIGATION | told))) == "/base/"


@pytest.mark.parametrize("way", ["root wsgi", "root asgi"])
@pytest.mark.parametrize("path", ["/base/oauth2/auth", "/base/auth"])
def test_a_verdict_is_known_there_without_a_decision(
    way: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = mounted(way, "/oauth2", "/base", **OPEN)
    visitor = site.visitor()
    visitor.sign_in()
    assert visitor.open("GET", path, FETCH).status == 202
    monkeypatch.setattr(Gate, "decide", None)
    assert visitor.open("GET", path, FETCH).status == 202


@pytest.mark.parametrize("way", ["root wsgi", "root asgi"])
def test_with_public_url_the_mount_is_the_prefix_unless_it_is_its_path(way: str) -> None:
    site = mounted(way, "/oauth2", "/base", public_url=ORIGIN)
    assert site.visitor().ask("auth").status == 404
    assert site.visitor().open("GET", "/base/auth", FETCH).status == 401


def test_a_user_whom_the_rules_refuse_is_nobody(way: str) -> None:
    site = mounted(
        way,
        "/oauth2",
        "/base",
        allowed_groups=("staff",),
        public_paths=("/open/*",),
        original_uri_header="X-Original-URI",
        original_method_header="X-Original-Method",
        trusted_proxies=("192.0.2.0/24",),
    )
    visitor = site.visitor()
    assert visitor.sign_in("/reports").status == 403
    public = {"X-Original-URI": "/base/open/x", "X-Original-Method": "GET"}
    for _ in range(2):
        verdict = visitor.ask("auth", public)
        assert (verdict.status, verdict.all("x-auth-request-user")) == (202, [""])
        assert visitor.ask("auth").status == 403
    assert visitor.ask("userinfo").json["code"] == "access_denied"
    assert "You do not have access" in visitor.ask("sign_in", NAVIGATION).text


def test_a_renewed_cookie_comes_with_the_verdict(way: str) -> None:
    site = mounted(way, "/oauth2", "")
    visitor = site.visitor()
    visitor.sign_in()
    site.now += 360
    assert len(visitor.ask("auth").all("set-cookie")) == 1
    assert visitor.ask("auth").all("set-cookie") == []
    site.now += 3600
    assert visitor.ask("auth").status == 401


def test_what_is_no_endpoint_is_404_and_nobody_is_let_on(way: str) -> None:
    site = mounted(way, "/oauth2", "")
    visitor = site.visitor()
    visitor.sign_in()
    for name in ("nothing", "auth/x", "", "../secret"):
        assert visitor.ask(name, FETCH).status == 404
    if way.startswith("root"):
        for method in ("GET", "POST"):
            answer = visitor.send(method, "/secret")
            assert (answer.status, answer.json["code"]) == (404, "not_found")
        assert site.visitor().get("/secret").status == 404


def test_the_application_around_it_is_left_alone() -> None:
    site = mounted("flask", "/oauth2", "/base")
    assert site.visitor().get("/").text == "the application"


@pytest.mark.parametrize("kind", [wsgi.AuthBackend, asgi.AuthBackend])
def test_it_has_to_know_where_it_is(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(issuer=ISSUER, client_id=CLIENT, cookie_secret=("abcdefghij" * 5,))
    with pytest.raises(ConfigurationError) as caught:
        kind(settings)
    assert [found.setting for found in caught.value.problems] == ["public_url"]
    assert caplog.records[0].levelname == "CRITICAL"
    assert "public_url" in caplog.records[0].message


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_it_answers_lifespan_by_itself(kind: str) -> None:
    site = Site(Shell(kind, "", "/oauth2"), public_url=ORIGIN)
    backend = asgi.AuthBackend(site.settings, world=site.world)
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    run(kind, backend, {"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_who_signs_out_at_one_mount_is_signed_out_at_all() -> None:
    given = settings(public_url="https://app.example.com", issuer="http://localhost:9")
    backend = wsgi.AuthBackend(given)
    one, other = backend._backends.at("/a"), backend._backends.at("/b")
    assert one
    assert other
    assert one is not other
    assert one.runtime.gate.components.cache is other.runtime.gate.components.cache
    assert one.runtime.world is other.runtime.world


def test_mounts_that_clients_make_up_do_not_add_up() -> None:
    backend = wsgi.AuthBackend(settings(public_url="https://app.example.com", issuer="http://localhost:9"))
    root = backend._backends.root
    for number in range(100):
        backend._backends.at(f"/{number}")
        assert backend._backends.at("") is root
    assert len(backend._backends._at) == MAX_MOUNTS


@pytest.mark.parametrize(
    "around", ["//evil.example", "/x//y", "/..", "/a b", "/\\evil.example", '/"><', "/\xe9"]
)
def test_a_mount_in_an_application_whose_path_is_not_plain_is_none(around: str) -> None:
    """Some servers let a client choose the mount, and ``//evil.example/oauth2/start`` would be on another host."""
    for backend in (wsgi.AuthBackend(settings(**OPEN)), asgi.AuthBackend(settings(**OPEN))):
        assert backend._backends.at(f"{around}/oauth2") is None
        assert backend._backends.at("/base/oauth2") is not None


def test_what_a_forgotten_mount_has_counted_is_kept_and_its_counter_is_not() -> None:
    given = settings(
        public_url="https://app.example.com",
        issuer="http://localhost:9",
        metrics_token="J8pRaT5iVnKcbq2oC4vYkq0t",
    )
    backend = wsgi.AuthBackend(given)
    first = backend._backends.at("/first")
    assert first is not None
    first.runtime.opened = 3
    for number in range(100):
        backend._backends.at(f"/{number}")
    metrics = backend._backends.root.runtime.world.metrics
    assert metrics is not None
    assert metrics.counts()["short_path",] == 3
    assert len(metrics._admitted) <= MAX_MOUNTS + 1


MADE_UP = [
    "/m{}",
    "/oauth2/m{}",
    "/m{}/oauth2",
    "/\xe9{}",
    "/<{}>",
    "//m{}",
    "/m{}/",
    "/m/../{}",
    "/m\0{}",
    "/%00{}",
]


@pytest.mark.parametrize("interface", ["wsgi", "asyncio"])
@pytest.mark.parametrize("gate", ["OIDCGate", "AuthBackend"])
def test_mounts_that_clients_make_up_cost_one_discovery_and_no_exception(
    interface: str, gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(Shell(interface, "", "/oauth2"), public_url=ORIGIN)
    background: list[object] = []
    perform = World.perform

    def counted(world: World, effect: Any) -> Any:
        return background.append(effect) if isinstance(effect, Background) else perform(world, effect)

    monkeypatch.setattr(World, "perform", counted)
    kind: Any = getattr(wsgi if interface == "wsgi" else asgi, gate)
    app = (site.app.wsgi if interface == "wsgi" else site.app.asgi,) if gate == "OIDCGate" else ()
    site.gate = kind(*app, site.settings, world=site.world)
    for number in range(MAX_MOUNTS + 2):
        for mount in MADE_UP:
            site.shell = Shell(interface, mount.format(number), "/oauth2")
            for endpoint in ("auth", "start", "oauth2/start"):
                assert site.visitor().open("GET", f"{site.shell.mount}/{endpoint}", NAVIGATION).status < 504
    assert len(background) == 1
    assert len(site.provider.fetches) <= 2


@pytest.mark.parametrize(
    ("query", "status"), [("allowed_email_domains=corp.example", 202), ("allowed_groups=none", 403)]
)
def test_a_session_is_asked_once_whether_it_meets_a_query(
    way: str, query: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the second time on the verdict of a session that meets the query needs no decision."""
    site = mounted(way, "/oauth2", "")
    visitor = site.visitor()
    visitor.sign_in()
    asked: list[str] = []
    decide = Gate.decide

    def counted(gate: Gate[Any], request: Request) -> Step[Decision]:
        asked.append(request.query)
        return decide(gate, request)

    monkeypatch.setattr(Gate, "decide", counted)
    for _ in range(3):
        assert visitor.ask("auth").status == 202
        assert visitor.ask(f"auth?{query}").status == status
        assert visitor.ask("auth?allowed_groups=other").status == 403
    assert asked.count(query) == (1 if status == 202 else 3)
    assert asked.count("") == 0


def test_what_one_mount_asked_is_not_taken_for_another_query_at_another_mount() -> None:
    """Mounts share the admissions, so that they have to share the numbers of the queries, too."""
    given = settings(public_url="https://app.example.com", issuer="http://localhost:9")
    backends = wsgi.AuthBackend(given)._backends
    one, other = (
        backend.runtime.gate.components for mount in ("/a", "/b") if (backend := backends.at(mount))
    )
    assert one.requirements.number("allowed_groups=a") != other.requirements.number("allowed_groups=b")
    assert one.provider is other.provider
