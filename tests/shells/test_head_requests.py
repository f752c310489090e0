"""An answer to HEAD has the headers of the answer to GET, and no body, wherever the gate answers itself."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate import asgi, wsgi
from oidc_gate.asgi import _complete_lifespan, _headers_of, _plain_cookies, _render_verdict
from oidc_gate.endpoints.context import Components
from oidc_gate.errors import ConfigurationError
from oidc_gate.session.sessions import LoadedSession
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION
from tests.shells.driving import Answer, Upload, asend, environ_of, run, scope_of, send_wsgi

HOST = [("Host", "app.example")]


def ask(backend: Any, method: str, target: str, mount: str = "") -> Answer:
    if isinstance(backend, wsgi.AuthBackend):
        return send_wsgi(backend, environ_of(method, target, HOST, Upload(), mount))
    answer: Answer = run("asyncio", asend, backend, scope_of(method, target, HOST, mount), Upload())
    return answer


@pytest.mark.parametrize("kind", [wsgi.AuthBackend, asgi.AuthBackend])
@pytest.mark.parametrize(
    ("mount", "path", "status"),
    [("", "/oauth2/sign_in", 401), ("", "/oauth2/none", 404), ("/elsewhere", "/x", 404)],
)
def test_a_backend_answers_head_without_a_body(kind: Any, mount: str, path: str, status: int) -> None:
    backend = kind(settings(public_url="https://app.example", allow_everyone=True))
    whole, head = (ask(backend, method, mount + path, mount) for method in ("GET", "HEAD"))
    assert (whole.status, head.status, head.body) == (status, status, b"")
    assert whole.body != b""
    assert {name for name, _ in head.headers} == {name for name, _ in whole.headers}


def test_a_gate_without_valid_settings_answers_head_without_a_body() -> None:
    async def served(method: str) -> Answer:
        gate = asgi.OIDCGate(application, issuer="no URL")  # on a running loop it is built all the same
        return await asend(gate, scope_of(method, "/", HOST, ""), Upload())

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("no request may pass")

    whole, head = run("asyncio", served, "GET"), run("asyncio", served, "HEAD")
    assert (whole.status, whole.json["code"]) == (503, "configuration")
    assert (head.status, head.body) == (503, b"")
    with pytest.raises(ConfigurationError):
        asgi.OIDCGate(application, issuer="no URL")


def test_a_verdict_is_kept_as_the_bytes_of_a_response() -> None:
    components = Components(settings(public_url="https://app.example"))
    found = LoadedSession(SESSION, "the cookie", 0, 100, NOW, NOW + 3_600, "sid")
    verdict, size = _render_verdict(components, found)
    assert size == len(verdict) + 500
    assert verdict.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert verdict.endswith(b"\r\n\r\n")
    headers = dict(_headers_of(verdict))
    assert len(headers) == len(verdict.split(b"\r\n")) - 3
    assert (headers[b"x-auth-request-email"], headers[b"content-length"]) == (b"ada@example.com", b"0")


@pytest.mark.parametrize(
    ("headers", "cookies"),
    [
        ([], ""),
        ([(b"host", b"a"), (b"cookie", b"a=1")], "a=1"),
        ([(b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2")], "a=1; b=2"),
        ([(b"cookie", b"a=1"), (b"upgrade", b"websocket")], ""),
        ([(b"upgrade", b"websocket")], ""),
    ],
)
def test_the_cookies_of_a_request_that_is_no_handshake(
    headers: list[tuple[bytes, bytes]], cookies: str
) -> None:
    assert _plain_cookies({"headers": headers}) == cookies


def test_a_backend_completes_the_lifespan_of_its_server() -> None:
    received = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": next(received)}

    async def send(message: Any) -> None:
        sent.append(message)

    run("asyncio", _complete_lifespan, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
