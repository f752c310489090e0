"""`oidc-gate serve` reached past its proxy: what one client may cost, on both of its servers."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.real.behind_nginx import gate_environment, oidc_gate_serve
from tests.real.process import Server, answers_http

LINE = b"GET /oauth2/ping HTTP/1.1\r\n"
PING = LINE + b"Host: app\r\n\r\n"
MANY = 64 << 20  # no system buffers that much
WAIT_SECONDS = 90


@pytest.fixture(scope="module", params=["uvicorn", "granian"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = gate_environment("http://localhost:9", insecure_single_process_revocation="true")
    with oidc_gate_serve("--server", kind, directory=tmp_path_factory.mktemp("serve"), env=env) as server:
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_SECONDS)


def send_until_refused(client: socket.socket, piece: bytes, size: int = MANY) -> int:
    """Send `piece` again and again; return how many bytes were taken before the connection was closed."""
    taken = 0
    try:
        while taken < size:
            taken += client.send(piece)
    except ConnectionError:
        pass
    return taken


def received(client: socket.socket) -> bytes:
    """Return what comes until the server closes."""
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass  # the rest of a request that was refused was thrown away
    return answer


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (LINE + b"Host: app\r\nX: ", b"x" * 65536),
        (LINE + b"Host: app\r\n", b"X: y\r\n" * 10_000),
        (b"GET /oauth2/ping?", b"x" * 65536),
    ],
)
def test_an_endless_head_is_refused(server: Server, start: bytes, piece: bytes) -> None:
    with connect(server) as client:
        client.sendall(start)
        assert send_until_refused(client, piece) < MANY
    assert answers_http(server.port, "/oauth2/ping")


def test_a_head_that_is_sent_too_slowly_is_refused(kind: str, server: Server) -> None:
    with connect(server) as client:
        client.sendall(LINE)
        deadline = time.monotonic() + WAIT_SECONDS
        while not select.select([client], [], [], 0.5)[0]:
            assert time.monotonic() < deadline
            client.sendall(b"X: y\r\n")
        assert (b" 408 " in received(client)) == (kind == "uvicorn")  # granian closes without an answer


def test_a_client_that_says_nothing_is_not_waited_for(server: Server) -> None:
    with connect(server) as client:
        assert received(client) == b""


def resident_bytes(server: Server) -> int:
    """Return the memory of the server and its workers."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except (OSError, ProcessLookupError):
            continue
        if fields.get("NSsid", fields.get("Pid", "")).split()[-1:] == [str(server.process.pid)]:
            total += int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
    return total


def test_clients_that_never_read_take_no_memory_and_are_dropped(kind: str, server: Server) -> None:
    before = resident_bytes(server)
    assert before
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(20)]
        for client in clients:
            client.setblocking(False)
        # granian keeps such connections, at no cost in memory
        largest, deadline = 0, time.monotonic() + (WAIT_SECONDS if kind == "uvicorn" else 5)
        while clients and time.monotonic() < deadline:
            clients = [client for client in clients if not has_ended(client, PING * 500)]
            largest = max(largest, resident_bytes(server))
            time.sleep(0.1)
    assert largest - before < 64 << 20
    assert not clients or kind == "granian"
    assert answers_http(server.port, "/oauth2/ping")


def has_ended(client: socket.socket, data: bytes) -> bool:
    """Send what is taken now, and tell whether the server has dropped the connection."""
    try:
        while client.send(data) > 0:
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


def test_what_is_no_request_hides_none(server: Server) -> None:
    with connect(server) as client:
        client.sendall(b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nContent-Length : 39\r\n\r\n" + PING)
        answer = received(client)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b" 200 " not in answer


FORM = b"POST /oauth2/backchannel_logout HTTP/1.1\r\nHost: app\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def test_a_body_that_is_sent_too_slowly_is_refused(kind: str, server: Server) -> None:
    with connect(server) as client:
        client.sendall(FORM + b"Content-Length: 1000\r\n\r\n")
        deadline = time.monotonic() + WAIT_SECONDS
        while not select.select([client], [], [], 0.5)[0]:
            assert time.monotonic() < deadline
            client.sendall(b"x")
        status = b" 408 " if kind == "uvicorn" else b" 400 "
        assert status in client.recv(65536)


@pytest.mark.parametrize(("start", "piece"), [(b"1;", b"e" * 4096), (b"1\r\na\r\n0\r\n", b"X: y\r\n" * 700)])
def test_endless_chunk_extensions_and_trailers_are_refused(
    server: Server, start: bytes, piece: bytes
) -> None:
    with connect(server) as client:
        client.sendall(FORM + b"Transfer-Encoding: chunked\r\n\r\n" + start)
        assert send_until_refused(client, piece) < MANY
    assert answers_http(server.port, "/oauth2/ping")


@pytest.mark.parametrize(("size", "is_taken"), [(60_000, True), (140_000, False)])
def test_a_head_that_is_sent_at_once(server: Server, size: int, is_taken: bool) -> None:
    answer = b""
    with connect(server) as client, suppress(ConnectionError):  # what is refused is not read to its end
        client.sendall(LINE + b"Host: app\r\nX: " + b"x" * size + b"\r\n\r\n")
        answer = client.recv(65536)
    assert (b" 200 " in answer) == is_taken


@pytest.mark.parametrize(
    ("hosts", "status"), [(b"", b"400"), (b"Host: a\r\nHost: b\r\n", b"400"), (b"Host: a\r\n", b"200")]
)
def test_exactly_one_host(kind: str, server: Server, hosts: bytes, status: bytes) -> None:
    with connect(server) as client:
        client.sendall(LINE + hosts + b"\r\n")
        answer = client.recv(65536)
    assert answer.split(b" ")[1] == (status if kind == "uvicorn" else b"200")


def test_file_descriptors_that_run_out_are_in_the_log(tmp_path: Path) -> None:
    env = gate_environment("http://localhost:9")
    with ExitStack() as stack:
        server = stack.enter_context(oidc_gate_serve(directory=tmp_path, env=env, max_files=60))
        for _ in range(80):
            stack.enter_context(connect(server))
        wait_for(lambda: b"file descriptors run out" in server.log.read_bytes())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
