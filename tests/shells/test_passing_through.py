"""What passes the gate passes it untouched: pieces as they are made, uploads unread, exceptions, contexts, lifespan."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Any

import pytest
import trio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import oidc_gate
from tests.shells import driving
from tests.shells.driving import Pairs, Upload
from tests.shells.site import HOST, Shell, Site, Visitor

WSGI = Shell("wsgi", "", "/oauth2")
LOOPS = ["asyncio", "trio"]
PAGE = [("Content-Type", "text/plain")]
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

# Somebody recognised takes the short path; a renewal and an anonymous page are watched on the way out.
WAYS = ["recognised", "renewed", "anonymous"]


def pairs_of(visitor: Visitor) -> Pairs:
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    return [("Host", HOST), ("Accept", "text/html"), *([("Cookie", cookie)] if cookie else [])]


def arrive(site: Site, way: str) -> Visitor:
    if way == "anonymous":
        return site.visitor()
    visitor = site.person()
    site.now += 600 if way == "renewed" else 0
    return visitor


def call_wsgi(site: Site, way: str, upload: Upload | None = None) -> tuple[Any, list[Any]]:
    started: list[Any] = []
    environ = driving.environ_of("POST", "/open", pairs_of(arrive(site, way)), upload or Upload(), "")

    def start_response(*start: Any) -> Any:
        started.append(start)
        return lambda piece: None

    return site.gate(environ, start_response), started


@pytest.mark.parametrize("way", WAYS)
def test_pieces_go_out_as_they_are_made_wsgi(way: str) -> None:
    made: list[int] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", list(PAGE))
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    pieces, started = call_wsgi(Site(WSGI, app, public_paths=("/open",)), way)
    for number, piece in enumerate(pieces):
        assert (piece, made) == (b"%d" % number, list(range(number + 1)))
        assert started[0][0] == "200 OK"


def aopen(site: Site, way: str, receive: Any, send: Any, method: str = "POST") -> Any:
    scope = driving.scope_of(method, "/open", pairs_of(arrive(site, way)), "")
    return driving.run(site.shell.kind, site.gate, scope, receive, send)


async def nothing() -> dict[str, Any]:
    raise AssertionError("the gate read a body that it does not need")


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_pieces_go_out_as_they_are_made_asgi(kind: str, way: str) -> None:
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3):
            events.append(f"made {number}")
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 2})
        events.append("after")

    async def send(message: Any) -> None:
        events.append("start" if "status" in message else f"sent {message['body'].decode()}")

    aopen(Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",)), way, nothing, send)
    assert events == ["start", "made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2", "after"]


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_is_left_to_the_application(way: str) -> None:
    taken: list[int] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        taken.append(environ["wsgi.input"].taken)
        start_response("200 OK", list(PAGE))
        return [str(len(environ["wsgi.input"].read())).encode()]

    pieces, _ = call_wsgi(Site(WSGI, app, public_paths=("/open",)), way, Upload(b"x" * 200_000))
    assert (b"".join(pieces), taken) == (b"200000", [0])


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_receive_is_the_servers_own(kind: str, way: str) -> None:
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.append(receive)

    aopen(Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",)), way, nothing, nothing)
    assert given == [nothing]


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_of_the_application_is_its_own_wsgi(way: str) -> None:
    error = ZeroDivisionError("its own")

    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise error

    with pytest.raises(ZeroDivisionError) as raised:
        call_wsgi(Site(WSGI, app, public_paths=("/open",)), way)
    assert raised.value is error
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_an_exception_of_the_application_is_its_own_asgi(kind: str, way: str) -> None:
    error = ZeroDivisionError("its own")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(ZeroDivisionError) as raised:
        aopen(Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",)), way, nothing, nothing)
    assert raised.value is error
    assert error.__context__ is None


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_half_way_goes_by_exc_info(way: str) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", list(PAGE))
        start_response("500 Oops", list(PAGE), (None, None, None))
        return [b"oops"]

    pieces, started = call_wsgi(Site(WSGI, app, public_paths=("/open",)), way)
    assert b"".join(pieces) == b"oops"
    assert started[-1][0] == "500 Oops"
    assert started[-1][2] == (None, None, None)


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_context_variables_pass_both_ways(kind: str, way: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert VARIABLE.get() == "from outside"
        VARIABLE.set("from inside")

    site = Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",))
    scope = driving.scope_of("GET", "/open", pairs_of(arrive(site, way)), "")

    async def outside() -> str:
        VARIABLE.set("from outside")
        await site.gate(scope, nothing, nothing)
        return VARIABLE.get()

    assert driving.run(kind, outside) == "from inside"


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_background_tasks_run_after_the_answer(kind: str, way: str) -> None:
    events: list[str] = []

    async def later() -> None:
        events.append("task")

    async def home(request: Request) -> PlainTextResponse:
        return PlainTextResponse("x", background=BackgroundTask(later))

    async def send(message: Any) -> None:
        events.append(message["type"])

    app = Starlette(routes=[Route("/open", home)])
    aopen(Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",)), way, nothing, send, "GET")
    assert events == ["http.response.start", "http.response.body", "task"]


@pytest.mark.parametrize("kind", LOOPS)
def test_lifespan_passes_through(kind: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    site = Site(Shell(kind, "", "/oauth2"), app)
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    driving.run(kind, site.gate, scope, nothing, nothing)
    assert seen == [(scope, nothing, nothing)]
    assert seen[0][0] is scope


@pytest.mark.parametrize("kind", LOOPS)
def test_a_kind_of_connection_that_nobody_knows_does_not_walk_past(kind: str) -> None:
    site = Site(Shell(kind, "", "/oauth2"))
    scope = {"type": "webtransport", "path": "/secret", "query_string": b"", "headers": []}
    with pytest.raises(ValueError, match="webtransport"):
        driving.run(kind, site.gate, scope, nothing, nothing)
    assert site.app.seen == []


@pytest.mark.parametrize("kind", LOOPS)
def test_an_application_without_lifespan_says_so_itself(kind: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError(scope["type"])

    with pytest.raises(NotImplementedError, match="lifespan"):
        driving.run(kind, Site(Shell(kind, "", "/oauth2"), app).gate, {"type": "lifespan"}, nothing, nothing)


GATE: Any = oidc_gate.OIDCGate


@pytest.mark.parametrize("kind", LOOPS)
def test_bad_settings_under_add_middleware_fail_the_start_and_serve_nobody(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[Any] = []

    async def home(request: Request) -> PlainTextResponse:
        called.append(request)
        return PlainTextResponse("x")

    app = Starlette(routes=[Route("/", home)])
    app.add_middleware(GATE, issuer="https://op.example", client_id="c", allowed_grups=["staff"])
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
        await app(driving.scope_of("GET", "/", [("Host", HOST)], ""), Upload().receive, send)
        socket = driving.scope_of("GET", "/", [("Host", HOST)], "", kind="websocket")
        await app(socket, receive, send)

    driving.run(kind, serve)
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "2 problems" in sent[0]["message"], "which stand in the log, and so are printed once"
    assert [message.get("status", message.get("code")) for message in sent[1:]] == [503, None, 1008]
    assert called == []
    (record,) = caplog.records
    assert record.levelname == "CRITICAL"
    for name in ("allowed_grups", "allowed_groups", "cookie_secret"):
        assert name in record.message


@pytest.mark.parametrize("kind", LOOPS)
def test_the_loop_goes_on_while_the_provider_keeps_us_waiting(kind: str) -> None:
    import threading

    released = threading.Event()
    site = Site(Shell(kind, "", "/oauth2"))
    answer = site.provider.answer
    site.world._outbound = lambda fetch: (released.wait(60), answer(fetch))[1]
    scope = driving.scope_of("GET", "/oauth2/start", [("Host", HOST), ("Accept", "text/html")], "")
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def release() -> None:
        await (trio.sleep(0.01) if kind == "trio" else asyncio.sleep(0.01))
        released.set()  # never reached if the loop stood still, and then nothing is released in time

    async def both_trio() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(release)
            nursery.start_soon(site.gate, scope, Upload().receive, send)

    async def both_asyncio() -> None:
        await asyncio.gather(site.gate(scope, Upload().receive, send), release())

    driving.run(kind, both_trio if kind == "trio" else both_asyncio)
    assert sent[0]["status"] == 302
