"""What is sent over ASGI, message by message, and what is added to a scope."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from oidc_gate.model import Allow, Identity, Reply
from oidc_gate.shells import asgi_responses
from oidc_gate.shells.asgi_messages import User, framework_of, payload_of
from oidc_gate.shells.asgi_responses import Body

SIGN_IN = Reply(401, (("X-Gate", "1"),), b"sign in")
HTTP = {"type": "http"}
START = {"type": "http.response.start", "status": 401, "headers": [(b"x-gate", b"1")]}


def replied(reply: Reply, scope: dict[str, Any], *, is_head: bool = False) -> tuple[list[Any], int]:
    """Return what is sent, and how often something was received."""
    sent: list[Any] = []
    received: list[int] = []

    async def receive() -> dict[str, Any]:
        received.append(1)
        return {"type": "http.request", "body": b"x", "more_body": len(received) < 3}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await asgi_responses.send_reply(reply, scope, Body(receive), send, is_head=is_head)

    anyio.run(run)
    return sent, len(received)


def test_a_reply() -> None:
    body = {"type": "http.response.body", "body": b"sign in"}
    assert replied(SIGN_IN, HTTP) == ([START, body], 0)
    assert replied(SIGN_IN, HTTP, is_head=True) == ([START, body | {"body": b""}], 0)
    assert replied(Reply(401, SIGN_IN.headers, b"sign in", drains=True), HTTP) == ([START, body], 3)


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ({}, [(b"x-gate", b"1"), (b"connection", b"close")]),
        ({"http_version": "1.0"}, [(b"x-gate", b"1"), (b"connection", b"close")]),
        ({"http_version": "1.1"}, [(b"x-gate", b"1"), (b"connection", b"close")]),
        ({"http_version": "2"}, [(b"x-gate", b"1")]),
    ],
)
def test_a_websocket_is_denied_with_the_reply(
    version: dict[str, str], headers: list[tuple[bytes, bytes]]
) -> None:
    scope = {"type": "websocket", "extensions": {"websocket.http.response": {}}} | version
    assert replied(SIGN_IN, scope) == (
        [
            {"type": "websocket.http.response.start", "status": 401, "headers": headers},
            {"type": "websocket.http.response.body", "body": b"sign in"},
        ],
        1,
    )


@pytest.mark.parametrize("extensions", [{}, {"extensions": None}, {"extensions": {"other": {}}}])
def test_or_closed_if_the_server_cannot_do_that(extensions: dict[str, Any]) -> None:
    scope = {"type": "websocket"} | extensions
    assert replied(SIGN_IN, scope) == ([{"type": "websocket.close", "code": 1008, "reason": ""}], 1)


def watched(allow: Allow, messages: list[dict[str, Any]], *, is_head: bool = False) -> list[Any]:
    """Return what the server gets of what the application sends."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        passing = asgi_responses.watch_response(allow, send, is_head=is_head)
        for message in messages:
            await passing(message)

    anyio.run(run)
    return sent


def response(status: int, *headers: tuple[bytes, bytes]) -> list[dict[str, Any]]:
    return [
        {"type": "http.response.start", "status": status, "headers": list(headers), "trailers": True},
        {"type": "http.response.body", "body": b"own", "more_body": True},
        {"type": "http.response.body", "body": b" words"},
    ]


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ([], [(b"set-cookie", b"x=1"), (b"cache-control", b"private")]),
        ([(b"Cache-Control", b"no-store")], [(b"set-cookie", b"x=1")]),
        ([(b"cache-control", b"public")], []),
    ],
)
def test_a_renewed_session_is_added(own: list[tuple[bytes, bytes]], added: list[tuple[bytes, bytes]]) -> None:
    messages = response(200, *own)
    start = messages[0] | {"headers": own + added}
    assert watched(Allow(None, set_cookies=("x=1",)), messages) == [start, *messages[1:]]


def test_a_response_without_headers() -> None:
    added = [(b"set-cookie", b"x=1"), (b"cache-control", b"private")]
    start = {"type": "http.response.start", "status": 200}
    assert watched(Allow(None, set_cookies=("x=1",)), [start]) == [start | {"headers": added}]


def test_without_anything_to_do_the_servers_own_function_is_used() -> None:
    async def send(message: Any) -> None: ...

    assert asgi_responses.watch_response(Allow(None), send, is_head=False) is send


@pytest.mark.parametrize(("is_head", "body"), [(False, b"sign in"), (True, b"")])
@pytest.mark.parametrize("challenge", [[], [(b"www-authenticate", b"Bearer")]])
def test_the_applications_401_is_replaced(
    challenge: list[tuple[bytes, bytes]], body: bytes, *, is_head: bool
) -> None:
    allow = Allow(None, set_cookies=("x=1",), replacement_for_401=lambda: SIGN_IN)
    assert watched(allow, response(401, *challenge), is_head=is_head) == [
        START,
        {"type": "http.response.body", "body": body},
    ]


@pytest.mark.parametrize(
    ("status", "headers"), [(401, [(b"WWW-Authenticate", b"Basic realm=x")]), (402, []), (200, [])]
)
def test_other_answers_are_not_replaced(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    messages = response(status, *headers)
    assert watched(Allow(None, replacement_for_401=lambda: SIGN_IN), messages) == messages


def test_a_401_that_is_kept() -> None:
    messages = response(401)
    assert watched(Allow(None, replacement_for_401=lambda: None), messages) == messages


ALICE = Identity("https://op.example", "alice", name="Alice", groups=("staff", "ops"))


def test_what_is_added_to_a_scope() -> None:
    members, headers = payload_of(ALICE, (("X-Forwarded-User", "alice"),), "/oauth2")
    user = members["user"]
    assert members == {
        "oidc_gate.identity": ALICE,
        "user": user,
        "auth": user,
        "oidc_gate.prefix": "/oauth2",
    }
    assert headers == ((b"x-forwarded-user", b"alice"),)
    assert (user.is_authenticated, user.display_name) == (True, "Alice")
    assert user.scopes == ["authenticated", "group:staff", "group:ops"]


def test_what_is_added_for_an_anonymous_user() -> None:
    members, headers = payload_of(None, (), "/oauth2")
    user = members["user"]
    assert (members, headers) == ({"oidc_gate.identity": None, "user": user, "auth": user}, ())
    assert (user.is_authenticated, user.display_name, user.scopes) == (False, "", [])
    assert isinstance(user, User)


def of_module(name: str) -> Any:
    return type("App", (), {"__module__": name, "__call__": lambda self: None, "method": lambda self: None})()


class Layer:
    def __init__(self, app: Any) -> None:
        self.app = app


def wrapped(app: Any, layers: int) -> Any:
    for _ in range(layers):
        app = Layer(app)
    return app


@pytest.mark.parametrize("package", ["falcon", "quart", "sanic"])
def test_a_framework_inside_of_middleware(package: str) -> None:
    app = of_module(f"{package}.app")
    for layers in (0, 1, 7):
        assert framework_of(wrapped(app, layers)) == package
    assert framework_of(wrapped(app, 8)) == ""
    assert framework_of(app.method) == package


def test_other_applications_have_no_such_framework() -> None:
    assert framework_of(of_module("falconry.app")) == framework_of(print) == framework_of(None) == ""


@pytest.mark.parametrize(
    ("limit", "expected", "received"),
    [(0, b"a", 1), (1, b"ab", 2), (2, b"abc", 3), (3, b"abc", 3), (9, b"abc", 3)],
)
def test_a_body_is_read_to_its_limit_and_one_byte_more(limit: int, expected: bytes, received: int) -> None:
    pieces = [b"a", b"b", b"c"]
    taken: list[bytes] = []

    async def receive() -> dict[str, Any]:
        taken.append(pieces[len(taken)])
        return {"type": "http.request", "body": taken[-1], "more_body": len(taken) < len(pieces)}

    async def run() -> bytes:
        return await Body(receive).read(limit)

    assert (anyio.run(run), len(taken)) == (expected, received)


def test_a_piece_that_is_too_long_is_cut() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"abcde", "more_body": True}

    async def run(limit: int) -> bytes:
        return await Body(receive).read(limit)

    assert [anyio.run(run, limit) for limit in (0, 3, 4)] == [b"a", b"abcd", b"abcde"]


@pytest.mark.parametrize(("first", "received"), [((1 << 20) - 1, 2), (1 << 20, 1), ((1 << 20) + 1, 1)])
def test_a_body_is_drained_up_to_a_mebibyte(first: int, received: int) -> None:
    taken: list[int] = []

    async def receive() -> dict[str, Any]:
        taken.append(1 if taken else first)
        return {"type": "http.request", "body": b"x" * taken[-1], "more_body": True}

    anyio.run(Body(receive).drain)
    assert len(taken) == received


@pytest.mark.parametrize("message", [{"type": "http.disconnect"}, {"type": "http.request"}])
def test_a_body_that_is_over(message: dict[str, Any]) -> None:
    received: list[int] = []

    async def receive() -> dict[str, Any]:
        received.append(1)
        return message

    async def run() -> bytes:
        body = Body(receive)
        found = await body.read(10)
        await body.drain()
        return found + await body.read(10)

    assert (anyio.run(run), len(received)) == (b"", 1)
