"""The requests to the page: only those that read, bounded in time, bytes and number."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oidc_gate.check.live import exchanges
from oidc_gate.check.live.exchanges import Browser, read_cookie
from tests.core.check.live.answering import OK, URL, always


@contextmanager
def answering(*pieces: bytes, pause: float = 0) -> Iterator[tuple[str, list[bytes]]]:
    """Answer every connection with `pieces`, and yield the URL and what was received."""
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(connection.recv(65536))
                try:
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/page", received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def test_headers_and_cookies_are_read_one_by_one() -> None:
    cookies = (
        b"Set-Cookie: a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT\r\nSet-Cookie: b=2; Secure; Path=/x\r\n"
    )
    with answering(HEAD + cookies + b"Content-Length: 2\r\n\r\nhi") as (url, received):
        response = Browser().send(url, {"X-A": "1"})
    assert (response.status, response.text) == (200, "hi")
    assert [(c.name, c.secure, c.path) for c in response.cookies] == [("a", False, ""), ("b", True, "/x")]
    assert received[0].startswith(b"GET /page HTTP/1.1\r\n")
    assert b"\r\nHost: 127.0.0.1:" in received[0]
    assert b"\r\nCookie:" not in received[0]


def test_a_long_body_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "MAX_BYTES", 1000)
    with answering(HEAD + b"\r\n", *[b"x" * 4096] * 50) as (url, _):
        assert len(Browser().send(url, {}).body) == 1000


def test_an_endless_body_is_not_read_to_its_end() -> None:
    with answering(HEAD + b"\r\n", *[b"x" * 65536] * 100_000) as (url, _):
        response = Browser().send(url, {})
    assert (response.failure, len(response.body)) == ("", exchanges.MAX_BYTES)


@pytest.mark.parametrize("start", [HEAD + b"\r\n", HEAD + b"X-Slow: "])
def test_a_dripping_answer_ends(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "SECONDS", 0.5)
    with answering(start, *[b"x"] * 300, pause=0.1) as (url, _):
        assert Browser().send(url, {}).failure == "timeout"


def test_what_is_no_answer() -> None:
    with answering(b"\x15\x03\x01 this is not HTTP\r\n\r\n") as (url, _):
        assert Browser().send(url, {}).failure == "broken"
    assert Browser().send(url, {}).failure == "refused"
    with answering(HEAD + b"\r\n") as (url, _):
        assert Browser().send(url.replace("http:", "https:"), {}).failure in ("tls", "broken", "refused")


def test_connect_leads_elsewhere_and_keeps_the_host() -> None:
    with answering(HEAD + b"Content-Length: 0\r\n\r\n") as (url, received):
        port = url.split(":")[2].split("/")[0]
        browser = Browser(connect=f"127.0.0.1:{port}")
        assert browser.send("http://app.example.com/a?b=c", {}).status == 200
    assert received[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"\r\nHost: app.example.com\r\n" in received[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "get"])
def test_only_methods_that_read_are_sent(method: str) -> None:
    with pytest.raises(ValueError, match="the check sends no"):
        always(OK).send(URL, {}, method=method)


def test_the_number_of_requests_is_limited() -> None:
    browser = always(OK)
    for _ in range(exchanges.MAX_EXCHANGES):
        assert browser.send(URL, {}).status == 200
    assert browser.send(URL, {}).failure == "limit"


def test_a_cookie_that_cannot_be_read() -> None:
    assert read_cookie("") is None
    assert read_cookie("; ; ;") is None
