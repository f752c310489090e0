"""Outbound HTTP without sockets: what is asked of urllib3, when a request is sent again, and whole errors."""

from __future__ import annotations

import errno
import os
import ssl
from http.client import BadStatusLine, RemoteDisconnected
from socket import EAI_NONAME, gaierror
from types import SimpleNamespace
from typing import Any

import pytest
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ProtocolError

from oidc_gate.effects import Fetch
from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.runtime import http
from oidc_gate.runtime.deadline import DeadlineAdapter, deadline
from oidc_gate.runtime.http import Outbound
from oidc_gate.settings import Settings

AWAY = "The sign-in service cannot be reached at the moment."
UNTRUSTED = "The sign-in service sent an answer that cannot be trusted."
URL = "https://user:secret@op.example:8443/token?code=secret#secret"
WHERE = "GET https://op.example:8443/token"


class Response:
    """An answer whose parts come one after another; an exception among them is raised."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.status, self.done, self._parts = 201, list[str](), parts
        self.headers = HTTPHeaderDict([("X-Two", "a"), ("X-TWO", "b"), ("ETag", "c")])
        self.asked: list[object] = []

    def stream(self, size: int, *, decode_content: bool) -> Any:
        self.asked.append((size, decode_content))
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part

    def close(self) -> None:
        self.done.append("closed")

    def release_conn(self) -> None:
        self.done.append("released")


class Pool:
    """Connections that answer as they are told, and keep what they were asked for."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[tuple[Any, ...]]()

    def urlopen(self, method: str, target: str, **given: Any) -> Response:
        self.asked.append((method, target, given))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def perform(pool: Pool, effect: Fetch, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = Settings(
        issuer="https://op.example",
        client_id="me",
        cookie_secret=("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
        allow_everyone=True,
        provider_timeout_seconds=60.0,
    )
    monkeypatch.setattr(http._Process, "route_to", lambda mine, url: http._Route(pool, "/target"))  # type: ignore[arg-type]
    return Outbound(settings).perform(effect)


def failure(pool: Pool, effect: Fetch, monkeypatch: pytest.MonkeyPatch) -> GateError:
    with pytest.raises(GateError) as caught:
        perform(pool, effect, monkeypatch)
    return caught.value


def whole(error: GateError) -> tuple[Any, ...]:
    return type(error), error.code, error.public_message, error.detail


def test_what_is_asked_and_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(response := Response(b"one ", b"two"))
    effect = Fetch("POST", URL, (("Accept", "application/json"), ("Authorization", "Basic x")), b"a=1")
    fetched = perform(pool, effect, monkeypatch)
    assert (fetched.status, fetched.headers, fetched.body) == (
        201,
        {"x-two": "a, b", "etag": "c"},
        b"one two",
    )
    ((method, target, given),) = pool.asked
    assert 59 < given.pop("timeout") <= 60
    assert (method, target, given) == (
        "POST",
        "/target",
        {
            "body": b"a=1",
            "headers": {
                "User-Agent": "oidc_gate",
                "Accept-Encoding": "identity",
                "Accept": "application/json",
                "Authorization": "Basic x",
            },
            "retries": False,
            "redirect": False,
            "assert_same_host": False,
            "preload_content": False,
            "decode_content": False,
        },
    )
    assert (response.asked, response.done) == ([(16384, True)], ["released"])


def test_without_headers_of_its_own_a_request_accepts_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    perform(pool := Pool(Response()), Fetch("GET", URL), monkeypatch)
    expected = {"User-Agent": "oidc_gate", "Accept-Encoding": "identity", "Accept": "*/*"}
    assert pool.asked[0][2]["headers"] == expected


@pytest.mark.parametrize(
    ("parts", "is_too_long"),
    [((b"12345",), False), ((b"123", b"45"), False), ((b"123456",), True), ((b"123", b"456"), True)],
)
def test_the_size_of_an_answer(
    parts: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch, *, is_too_long: bool
) -> None:
    pool, effect = Pool(response := Response(*parts)), Fetch("GET", URL, max_bytes=5)
    if not is_too_long:
        assert perform(pool, effect, monkeypatch).body == b"12345"
        assert response.done == ["released"]
        return
    error = failure(pool, effect, monkeypatch)
    assert whole(error) == (ProviderError, "answer_too_large", UNTRUSTED, f"{WHERE}: more than 5 bytes")
    assert response.done == ["closed", "released"], (
        "the rest of the answer must not be taken for the next one"
    )


GONE = ProtocolError("gone", RemoteDisconnected("gone"))
RESET = ProtocolError("reset", ConnectionResetError(errno.ECONNRESET, "reset"))
REFUSED = ProtocolError("refused", ConnectionRefusedError(errno.ECONNREFUSED, "refused"))


@pytest.mark.parametrize(
    ("method", "answers", "sent"),
    [
        ("GET", [GONE, Response()], 2),
        ("GET", [RESET, Response()], 2),
        ("GET", [Response(GONE), Response()], 2),
        ("GET", [GONE, GONE, Response()], 2),
        ("GET", [REFUSED, Response()], 1),
        ("POST", [GONE, Response()], 1),
        ("POST", [Response(RESET), Response()], 1),
        ("PUT", [GONE, Response()], 1),
    ],
)
def test_only_what_may_be_sent_twice_is_sent_again_once(
    method: str, answers: list[Any], sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, effect = Pool(*answers), Fetch(method, URL)
    if sent == 2 and len(answers) == 2:
        assert perform(pool, effect, monkeypatch).status == 201
    else:
        assert isinstance(failure(pool, effect, monkeypatch), ProviderUnavailable)
    assert len(pool.asked) == sent


def certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_message = "self-signed"
    return error


def tls() -> ssl.SSLError:
    error = ssl.SSLError(1, "failed")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("cause", "code", "detail"),
    [
        (certificate(), "provider_tls", "certificate not accepted: self-signed"),
        (tls(), "provider_tls", "TLS: WRONG_VERSION_NUMBER"),
        (gaierror(EAI_NONAME, "not known"), "provider_name", "the name does not resolve: not known"),
        (TimeoutError("secret"), "provider_timeout", "no answer in time"),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "secret"),
            "provider_unreachable",
            os.strerror(errno.ECONNREFUSED),
        ),
        (ValueError("secret"), "provider_unreachable", "ValueError"),
        (BadStatusLine("secret"), "answer_broken", "BadStatusLine"),
    ],
)
def test_each_failure_as_a_whole(
    cause: Exception, code: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = failure(Pool(ProtocolError("secret", cause)), Fetch("GET", URL), monkeypatch)
    kind, message = (ProviderError, UNTRUSTED) if code == "answer_broken" else (ProviderUnavailable, AWAY)
    assert whole(error) == (kind, code, message, f"{WHERE}: {detail}")
    assert (error.__cause__, error.__suppress_context__) == (None, True)


def test_after_the_deadline_a_failure_is_a_timeout() -> None:
    with deadline(-1):
        found = http._failure(Fetch("POST", "http://op.example"), ValueError("secret"))
    expected = (ProviderUnavailable, "provider_timeout", AWAY, "POST http://op.example: no answer in time")
    assert whole(found) == expected


def test_an_error_of_the_gate_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ProviderError("other", "message")
    assert failure(Pool(error), Fetch("GET", URL), monkeypatch) is error


def test_connections_that_a_session_keeps() -> None:
    settings: Any = SimpleNamespace(ca_file="", client_certificate="", client_certificate_key="")
    session = http._session(settings)
    assert list(session.adapters) == ["https://", "http://"]
    for adapter in session.adapters.values():
        assert isinstance(adapter, DeadlineAdapter)
        assert (adapter._pool_connections, adapter._pool_maxsize) == (32, 8)  # type: ignore[attr-defined]


def test_how_many_routes_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def route(session: object, url: str) -> str:
        made.append(url)
        return url

    monkeypatch.setattr(http, "_route", route)
    mine = http._Process(1, None)  # type: ignore[arg-type]
    urls = [f"https://op.example/{number}" for number in range(32)]
    for url in [*urls, *urls]:
        assert mine.route_to(url) == url  # type: ignore[comparison-overlap]
    assert made == urls
    mine.route_to("https://op.example/more")
    assert list(mine.routes) == ["https://op.example/more"]
