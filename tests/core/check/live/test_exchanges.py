"""The requests to the page: only those that read, bounded in time, bytes and number."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, RemoteDisconnected
from typing import Any

import pytest

from oidc_gate.check.live import exchanges
from oidc_gate.check.live.exchanges import Browser, Cookie, Response, read_cookie
from tests.core.check.live.answering import OK, URL, Given, always


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
    assert (response.failure, len(response.body)) == ("", 262_144)


@pytest.mark.slow
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
    with pytest.raises(ValueError, match=f"^the check sends no {method}$"):
        always(OK).send(URL, {}, method=method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_method_that_reads_is_sent(method: str) -> None:
    assert always(OK).send(URL, {}, method=method).sent == f"{method} {URL}"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "post", ""])
def test_only_a_post_is_allowed_beside_them(method: str) -> None:
    browser = Given(lambda method, url, headers: OK, post=True)
    assert browser.send(URL, {}, method="POST").status == 200
    with pytest.raises(ValueError, match=f"^the check sends no {method}$"):
        browser.send(URL, {}, method=method)


def test_the_number_of_requests_is_limited() -> None:
    browser = always(OK)
    for _ in range(40):
        assert browser.send(URL, {}).status == 200
    refused = browser.send(f"{URL}?a=b", {}, sent="once more")
    assert refused == Response(
        f"{URL}?a=b",
        f"GET {URL} (once more)",
        failure="limit",
        detail="the check sends no more requests",
    )
    assert len(browser.sent) == 40


def test_a_cookie_that_cannot_be_read() -> None:
    assert read_cookie("") is None
    assert read_cookie("; ; ;") is None


KIND = ("Content-Type", "text/html; x")


@pytest.mark.parametrize(
    ("given", "received", "location"),
    [
        (Response(URL, "GET", 200, (KIND, ("Server", "nginx"))), "status 200, text/html, from nginx", ""),
        (Response(URL, "GET", 204), "status 204", ""),
        (Response(URL, "GET", 299, (("Location", "/a"),)), "status 299", ""),
        (
            Response(URL, "GET", 300, (("location", "/a?b"), ("Content-Type", "x"))),
            "status 300, to /a",
            "/a?b",
        ),
        (Response(URL, "GET", 399, (("Location", "/a"),)), "status 399, to /a", "/a"),
        (Response(URL, "GET", 400, (("Location", "/a"),)), "status 400", ""),
        (Response(URL, "GET", failure="timeout", detail="why"), "no answer: why", ""),
    ],
)
def test_a_response_in_a_few_words(given: Response, received: str, location: str) -> None:
    assert (given.received, given.location) == (received, location)


def test_long_texts_of_a_response_are_cut() -> None:
    long = "x" * 300
    shown = [
        Response(URL, "GET", 200, (("Content-Type", long), ("Server", long))).received,
        Response(URL, "GET", 302, (("Location", long),)).received,
        Response(URL, "GET", failure="broken", detail=long).received,
    ]
    assert [re.sub("xxx+", lambda found: f"<{len(found[0])}>", text) for text in shown] == [
        "status 200, <60>, from <40>",
        "status 302, to <150>",
        "no answer: <189>",
    ]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/a?b#c", "https://app.example.com/a?b#c"),
        ("a", "https://app.example.com/a"),
        ("//b.example/", "https://b.example/"),
        ("http://b.example", "http://b.example"),
        ("", ""),
        ("http://[", ""),
        ("//[::1", ""),
    ],
)
def test_where_a_redirect_leads_to(location: str, target: str) -> None:
    assert Response(URL, "GET", 302, (("Location", location),)).target == target
    assert Response(URL, "GET", 200, (("Location", location),)).target == ""


def test_long_and_odd_words_are_cut() -> None:
    long = "x" * 500
    shown = Response(URL, "GET", 302, (("Location", long), ("Server", long))).received
    assert len(shown) < 250
    assert len(Response(URL, "GET", 200, (("Content-Type", long),)).received) < 80
    assert len(Response(URL, "GET", failure="name", detail=long).received) <= 200


def test_headers_are_found_in_any_case() -> None:
    headers = (("Set-Cookie", "a=1"), ("X", "y"), ("set-cookie", "b=2"), ("SET-COOKIE", ";"))
    response = Response(URL, "GET", 200, headers, b"\xff")
    assert response.all("Set-Cookie") == ["a=1", "b=2", ";"]
    assert (response.header("x"), response.header("none"), response.text) == ("y", "", "\ufffd")
    assert [each.name for each in response.cookies] == ["a", "b"]
    assert "y" not in repr(response)


def test_a_cookie() -> None:
    expected = Cookie("a", "1", "app.example.com", "/x", True)
    assert read_cookie("a=1; Domain=.App.Example.COM; Path=/x; Secure; HttpOnly") == expected
    assert read_cookie("a=1") == Cookie("a", "1", "", "", False)
    assert read_cookie("a=1; Domain=.Xa.Example; Path=/x; Secure") == Cookie(
        "a", "1", "xa.example", "/x", True
    )


def test_what_may_be_secret_is_not_in_the_representation() -> None:
    response = Response(URL, "GET", 200, (("Set-Cookie", "a=hunter2"),), b"hunter2")
    assert repr(response) == f"Response(url={URL!r}, sent='GET', status=200, failure='', detail='')"
    assert repr(response.cookies) == "[Cookie(name='a', domain='', path='', secure=False)]"


def lines(request: bytes) -> set[bytes]:
    return set(request.partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_a_whole_request() -> None:
    with answering(HEAD + b"Content-Length: 0\r\n\r\n") as (url, received):
        browser = Browser(post=True)
        one = browser.send(f"{url}?a=b#c", {"Accept": "x"}, sent="as a test")
        two = browser.send(url.removesuffix("/page"), {"User-Agent": "mine", "Host": "other"}, method="POST")
        browser.send(url.replace("http://", "http://user:Xpass@").replace("/page", "?a=b"), {})
    host = url.split("/")[2].encode()
    first, second, third = map(lines, received)
    assert third - {b"Accept-Encoding: identity"} == {
        b"GET /?a=b HTTP/1.1",
        b"Host: " + host,
        b"User-Agent: oidc-gate check",
    }
    assert first - {b"Accept-Encoding: identity"} == {
        b"GET /page?a=b HTTP/1.1",
        b"Host: " + host,
        b"User-Agent: oidc-gate check",
        b"Accept: x",
    }
    assert second - {b"Accept-Encoding: identity"} == {
        b"POST / HTTP/1.1",
        b"Host: other",
        b"User-Agent: mine",
        b"Content-Length: 0",
    }
    assert (one.sent, two.sent) == (f"GET {url} (as a test)", f"POST {url.removesuffix('/page')}")
    assert browser.sent[:2] == [one, two]
    assert (one.url, one.status, one.failure, one.detail) == (f"{url}?a=b#c", 200, "", "")


def test_the_body_of_a_websocket_is_not_waited_for() -> None:
    with answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", b"x" * 100) as (url, _):
        response = Browser().send(url, {})
    assert (response.status, response.body) == (101, b"")


@pytest.mark.parametrize("url", ["http:///x", "https:///x", "http://a b/", "http://a:99999/"])
def test_a_url_without_a_host_is_not_sent(url: str) -> None:
    response = Browser().send(url, {})
    assert (response.failure, response.status, response.detail.partition(" (")[0]) == (
        "broken",
        0,
        "the answer is not HTTP",
    )


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("self-signed")
    error.verify_message = "self-signed"
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (untrusted(), "tls"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "name"),
        (HTTPException("odd"), "broken"),
        (RemoteDisconnected("closed"), "broken"),
    ],
)
def test_the_kinds_of_failures(error: Exception, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: object, **keywords: object) -> None:
        raise error

    monkeypatch.setattr(exchanges, "send_once", failing)
    response = Browser().send("http://127.0.0.1:9/", {})
    assert (response.failure, response.status) == (expected, 0)
    if expected == "timeout":
        assert response.detail == "nothing within 10 seconds"
    if expected == "broken":
        assert response.detail.startswith("the answer is not HTTP (")


@pytest.mark.parametrize(
    ("url", "connect", "ca_file", "expected"),
    [
        ("http://app.example.com/", "", "", ("app.example.com", 80, "http", None)),
        ("http://app.example.com:8000/", "", "/ca.pem", ("app.example.com", 8000, "http", None)),
        ("https://app.example.com/", "", "", ("app.example.com", 443, "https", ("app.example.com", None))),
        (
            "https://app.example.com:1/",
            "[::1]:8443",
            "/ca.pem",
            ("::1", 8443, "https", ("app.example.com", "/ca.pem")),
        ),
        (
            "https://app.example.com/",
            "Xa.example:2",
            "",
            ("Xa.example", 2, "https", ("app.example.com", None)),
        ),
        ("https://app.example.com/", "127.0.0.1:2", "", ("127.0.0.1", 2, "https", ("app.example.com", None))),
    ],
)
def test_where_it_connects_to(
    url: str, connect: str, ca_file: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[object] = []

    class Pool:
        def close(self) -> None:
            did.append("closed")

    class Adapter:
        def __init__(self, **keywords: object) -> None:
            assert keywords == {"pool_connections": 1, "pool_maxsize": 1}
            self.poolmanager = self

        def connection_from_host(self, host: str, port: int, scheme: str, pool_kwargs: Any) -> Pool:
            given = pool_kwargs and (pool_kwargs["server_hostname"], pool_kwargs["ssl_context"])
            did.append((host, port, scheme, given))
            return Pool()

    monkeypatch.setattr(exchanges, "DeadlineAdapter", Adapter)
    monkeypatch.setattr("oidc_gate.check.live.exchanges.ssl.create_default_context", lambda cafile: cafile)
    with Browser(connect=connect, ca_file=ca_file)._pool(url, connect):
        assert did == [expected]
    assert did == [expected, "closed"]
