"""Outbound HTTP over real sockets: the time, the size, and everything that is not done."""

from __future__ import annotations

import gzip
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.effects import Fetch
from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.runtime.http import MAX_ROUTES, Outbound
from oidc_gate.settings import Settings
from tests.real.process import REPOSITORY

from ..wire import Authority, Speak, make_authority, reply, says, serving


def outbound(timeout: float = 60.0, **changes: Any) -> Outbound:
    return Outbound(
        Settings(
            issuer="https://op.example",
            client_id="me",
            cookie_secret=("bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc",),
            allow_everyone=True,
            provider_timeout_seconds=timeout,
            **changes,
        )
    )


def get(url: str, **changes: Any) -> Fetch:
    return Fetch("GET", url, **changes)


def failure(effect: Fetch, timeout: float = 60.0, **changes: Any) -> GateError:
    with pytest.raises(GateError) as caught:
        outbound(timeout, **changes).perform(effect)
    assert "secret" not in str(caught.value), "the query must not show"
    assert caught.value.__cause__ is None, "nor in what a log prints as the cause"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def test_an_exchange() -> None:
    speak = says(reply(b"hello", "418 Teapot", "X-Two: a", "X-TWO: b", "Content-Type: text/plain"))
    with serving(speak) as wire:
        effect = Fetch("POST", wire.url("/p?q=1"), (("Authorization", "Basic abc"),), b"a=1&b=2")
        fetched = outbound().perform(effect)
    assert (fetched.status, fetched.body) == (418, b"hello")
    assert fetched.headers["x-two"] == "a, b"
    assert fetched.headers["content-type"] == "text/plain"
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /p?q=1 HTTP/1.1"
    assert b"Authorization: Basic abc" in lines
    assert b"User-Agent: oidc_gate" in lines
    assert body == b"a=1&b=2"


def test_redirects_are_not_followed() -> None:
    with serving(says(reply(b"", "307 Temporary Redirect", "Location: /elsewhere"))) as wire:
        fetched = outbound().perform(Fetch("POST", wire.url(), (), b"client_secret=s"))
    assert fetched.status == 307
    assert len(wire.requests) == 1


def test_the_body_of_a_redirect_is_bounded_too() -> None:
    """requests itself would read all of it, to see where it leads."""
    with serving(says(reply(b"x" * 5_000, "302 Found", "Location: /elsewhere"))) as wire:
        assert outbound().perform(get(wire.url(), max_bytes=5_000)).body == b"x" * 5_000
        assert failure(get(wire.url(), max_bytes=4_999)).code == "answer_too_large"


def test_cookies_are_not_kept() -> None:
    with serving(says(reply(b"", "200 OK", "Set-Cookie: tracked=1; Path=/"))) as wire:
        one = outbound()
        one.perform(get(wire.url()))
        one.perform(get(wire.url()))
    assert b"tracked" not in wire.requests[1]


@pytest.mark.parametrize("headers", [(), (("Authorization", "Bearer mine"),)])
def test_netrc_is_not_read(
    headers: tuple[tuple[str, str], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(says(reply())) as wire:
        outbound().perform(get(wire.url(), headers=headers))
    assert b"Basic" not in wire.requests[0]
    assert (b"Bearer mine" in wire.requests[0]) is bool(headers)


def test_credentials_in_an_address_replace_no_header() -> None:
    with serving(says(reply())) as wire:
        url = wire.url().replace("//", "//somebody:else@")
        outbound().perform(get(url, headers=(("Authorization", "Bearer mine"),)))
    assert b"Authorization: Bearer mine\r\n" in wire.requests[0]
    assert b"Basic" not in wire.requests[0]


def test_connections_are_kept() -> None:
    with serving(says(reply())) as wire:
        one = outbound()
        for _ in range(3):
            one.perform(get(wire.url()))
    assert (len(wire.requests), wire.connections) == (3, 1)


def test_head_and_body_leave_in_one_piece() -> None:
    """In two, the provider is woken up twice for each token request."""
    pieces: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                for _ in range(20):
                    pieces.append(sock.recv(65536))
                    sock.sendall(reply())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        one, url = outbound(), f"http://127.0.0.1:{listener.getsockname()[1]}/token"
        for _ in range(20):
            one.perform(Fetch("POST", url, (), b"code=1"))
        thread.join(20)
    assert [piece.endswith(b"\r\n\r\ncode=1") for piece in pieces] == [True] * 20


def test_what_is_known_of_urls_is_bounded() -> None:
    with serving(says(reply(b"hello"))) as wire:
        one = outbound()
        for number in range(2 * MAX_ROUTES + 1):
            assert one.perform(get(wire.url(f"/{number}"))).body == b"hello"
        assert 0 < len(one._mine().routes) <= MAX_ROUTES
    assert wire.connections == 1


def test_a_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(reply(b"by proxy"))) as wire:
        monkeypatch.setenv("http_proxy", wire.url(""))
        monkeypatch.setenv("no_proxy", "")
        assert outbound().perform(get("http://op.example/x")).body == b"by proxy"
    assert wire.requests[0].startswith(b"GET http://op.example/x HTTP/1.1")


def test_a_proxy_is_asked_about_the_hosts_that_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(reply(b"by proxy"))) as proxy, serving(says(reply(b"itself"))) as wire:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        one = outbound()
        for _ in range(2):
            assert one.perform(get("http://op.example/x")).body == b"by proxy"
            assert one.perform(get(wire.url())).body == b"itself"


# --- the time: for the whole exchange ---------------------------------------------------------------


def drip(first: bytes, byte: bytes) -> Speak:
    """Say `first`, then go on with one byte every 50 ms for far longer than the client has."""

    def speak(sock: socket.socket, _: bytes) -> None:
        sock.sendall(first)
        for _piece in range(1_200):
            time.sleep(0.05)
            sock.sendall(byte)

    return speak


@pytest.mark.parametrize(
    "speak",
    [
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"), id="body"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), id="body without a length"),
        pytest.param(
            drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="chunks"
        ),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), id="one header"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="many headers"),
        pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(drip(b"", b"H"), id="status line"),
        pytest.param(says(b""), id="nothing at all"),
    ],
)
@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slow_server_gets_no_more_than_the_time_there_is(speak: Speak, method: str) -> None:
    with serving(speak) as wire:
        started = time.monotonic()
        error = failure(Fetch(method, wire.url("/t?secret=1")), 0.5)
        took = time.monotonic() - started
    assert isinstance(error, ProviderUnavailable)
    assert error.code == "provider_timeout"
    assert took > 0.45
    assert error.detail == f"{method} http://127.0.0.1:{wire.port}/t: no answer in time"


def test_a_slow_server_behind_tls(authority: Authority) -> None:
    speak = drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x")
    with serving(speak, authority.context()) as wire:
        error = failure(get(wire.url()), 0.5, ca_file=authority.ca_file)
    assert error.code == "provider_timeout"


@contextmanager
def swallowing() -> Iterator[tuple[str, int]]:
    """An address where nothing answers: the queue of connections is full, so what asks for one is dropped."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        while True:
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)
            if not select.select([], [sock], [], 0.2)[1]:
                break
        yield address


def test_an_address_that_swallows_packets() -> None:
    with swallowing() as (_, port):
        error = failure(get(f"http://127.0.0.1:{port}/"), 0.5)
    assert isinstance(error, ProviderUnavailable)
    assert error.code == "provider_timeout"


@pytest.mark.slow
@pytest.mark.parametrize("swallowed", [1, 2, 5])
def test_a_name_of_which_some_addresses_swallow_packets(
    monkeypatch: pytest.MonkeyPatch, swallowed: int
) -> None:
    with swallowing() as bad, serving(says(reply(b"found"))) as wire:
        found = [bad] * swallowed + [("127.0.0.1", wire.port)]
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*kind, address) for address in found])
        assert outbound(3.0).perform(get("http://op.example/")).body == b"found"


def test_only_six_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(reply())) as wire:
        closed = ("127.0.0.1", 9)
        found = [closed] * 6 + [("127.0.0.1", wire.port)]
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*kind, address) for address in found])
        assert failure(get("http://op.example/")).code == "provider_unreachable"
        found.pop(0)
        assert outbound().perform(get("http://op.example/")).status == 200


def test_a_slow_handshake() -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # accepts, and never says a word of TLS
    with listener:
        error = failure(get(f"https://127.0.0.1:{listener.getsockname()[1]}/"), 0.5)
    assert error.code == "provider_timeout"


def test_a_slow_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x")) as wire:
        monkeypatch.setenv("https_proxy", wire.url(""))
        monkeypatch.setenv("no_proxy", "")
        error = failure(get("https://op.example/"), 0.5)
    assert error.code == "provider_timeout"


def test_a_slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    wake = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: wake.wait(60) and [])
    try:
        error = failure(get("https://op.example/"), 0.5)
    finally:
        wake.set()
    assert error.code == "provider_timeout"


# --- the size, and answers that are none ------------------------------------------------------------


def test_a_body_that_is_too_long() -> None:
    with serving(says(reply(b"x" * 1001))) as wire:
        error = failure(get(wire.url("/?secret=1"), max_bytes=1000))
        assert isinstance(error, ProviderError)
        assert error.code == "answer_too_large"
        assert len(outbound().perform(get(wire.url(), max_bytes=1001)).body) == 1001


def test_a_body_without_an_end() -> None:
    def speak(sock: socket.socket, _: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(b"x" * 65536)

    with serving(speak) as wire:
        assert failure(get(wire.url())).code == "answer_too_large"


def test_a_bomb() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with serving(says(reply(bomb, "200 OK", "Content-Encoding: gzip"))) as wire:
        assert failure(get(wire.url())).code == "answer_too_large"


def test_what_was_compressed_all_the_same() -> None:
    with serving(says(reply(gzip.compress(b"{}"), "200 OK", "Content-Encoding: gzip"))) as wire:
        assert outbound().perform(get(wire.url())).body == b"{}"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", id="500 headers"),
        pytest.param(reply(b"no gzip", "200 OK", "Content-Encoding: gzip"), id="no gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
    ],
)
def test_an_answer_that_is_no_http(data: bytes) -> None:
    with serving(says(data)) as wire:
        error = failure(get(wire.url("/?secret=1")))
    assert isinstance(error, ProviderError)
    assert error.code == "answer_broken"


# --- no answer --------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(get(f"http://127.0.0.1:{port}/x?secret=1"))
    assert isinstance(error, ProviderUnavailable)
    assert (error.code, error.detail) == (
        "provider_unreachable",
        f"GET http://127.0.0.1:{port}/x: Connection refused",
    )


def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    error = failure(get("https://op.example/?secret=1"))
    assert error.code == "provider_name"
    assert "Name or service not known" in error.detail


def test_a_connection_that_breaks_off() -> None:
    def speak(sock: socket.socket, _: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        sock.close()

    with serving(speak) as wire:
        assert failure(get(wire.url())).code == "provider_unreachable"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


def test_a_certificate_of_an_unknown_authority(authority: Authority) -> None:
    with serving(says(reply()), authority.context()) as wire:
        error = failure(get(wire.url("/?secret=1")))
    assert error.code == "provider_tls"
    assert "certificate" in error.detail
    assert wire.requests == []


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python demands the extension since 3.13")
def test_a_certificate_that_does_not_identify_the_key_of_its_authority(tmp_path: Path) -> None:
    authority = make_authority(tmp_path, identifies_key=False)
    with serving(says(reply()), authority.context()) as wire:
        error = failure(get(wire.url()), ca_file=authority.ca_file)
    message = "certificate not accepted: Missing Authority Key Identifier"
    assert (error.code, error.detail.partition(": ")[2]) == ("provider_tls", message)
    assert message in (REPOSITORY / "docs/troubleshooting.md").read_text("utf-8")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_the_environment_names(
    authority: Authority, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, authority.ca_file)
    with serving(says(reply(b"known")), authority.context()) as wire:
        assert outbound().perform(get(wire.url())).body == b"known"


def test_ca_file_and_client_certificate(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.client)  # of the environment; ca_file goes before it
    with serving(says(reply(b"known")), authority.context(wants_client=True)) as wire:
        mine: dict[str, Any] = {"ca_file": authority.ca_file}
        assert outbound(client_certificate=authority.client, **mine).perform(get(wire.url())).body == b"known"
        assert failure(get(wire.url()), **mine).code in ("provider_tls", "provider_unreachable")


# --- stale connections ------------------------------------------------------------------------------


def closes_every_second_time() -> Speak:
    """Answer the first request of a connection; close on the second, having read it."""
    seen: set[int] = set()

    def speak(sock: socket.socket, _: bytes) -> None:
        if id(sock) in seen:
            sock.close()
            return
        seen.add(id(sock))
        sock.sendall(reply())

    return speak


def test_a_get_on_a_stale_connection_is_sent_again() -> None:
    with serving(closes_every_second_time()) as wire:
        one = outbound()
        one.perform(get(wire.url()))
        assert one.perform(get(wire.url())).status == 200
    assert (len(wire.requests), wire.connections) == (3, 2)


def test_a_post_is_never_sent_twice() -> None:
    with serving(closes_every_second_time()) as wire:
        one = outbound()
        one.perform(get(wire.url()))
        with pytest.raises(ProviderUnavailable):
            one.perform(Fetch("POST", wire.url(), (), b"code=1"))
    assert len(wire.requests) == 2


def test_a_long_idle_connection_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from oidc_gate.runtime import deadline

    with serving(says(reply())) as wire:
        one = outbound()
        one.perform(get(wire.url()))
        monkeypatch.setattr(deadline, "MAX_IDLE_SECONDS", 0.0)
        one.perform(get(wire.url()))
    assert wire.connections == 2


def test_after_a_fork_the_connections_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(reply())) as wire:
        one = outbound()
        one.perform(get(wire.url()))
        monkeypatch.setattr(os, "getpid", lambda: 1)
        one.perform(get(wire.url()))
    assert wire.connections == 2


# --- greenlets -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_under_gevent() -> None:
    script = """
from gevent import monkey; monkey.patch_all()
import gevent, sys, time
from tests.core.runtime.test_http import drip, get, outbound
from tests.core.wire import reply, serving
from oidc_gate.errors import GateError
def slowly(sock, request):
    time.sleep(0.3)
    sock.sendall(reply(b"answer"))
with serving(slowly) as wire:
    one, started = outbound(), time.monotonic()
    jobs = [gevent.spawn(one.perform, get(wire.url())) for _ in range(20)]
    assert [job.get().body for job in jobs] == [b"answer"] * 20
    assert time.monotonic() - started < 5, "one after another"
with serving(drip(b"HTTP/1.1 200 OK\\r\\nX: ", b"x")) as wire:
    try:
        outbound(0.5).perform(get(wire.url()))
    except GateError as error:
        assert error.code == "provider_timeout", error
        print("held")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "held\n", done.stderr
