"""Drives a gate in-process: no socket, no thread of a server. One `send` for WSGI, asyncio and trio alike."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref import validate

import trio

# An empty answer has no type: RFC 9110 §8.3 asks for one only with content.
validate.check_content_type = lambda status, headers: None  # type: ignore[attr-defined]

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back. `kind` of a WebSocket: accepted, denied (with a response) or closed (`status` is the code)."""

    status: int
    headers: Pairs
    body: bytes = b""
    kind: str = "http"

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else ""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_page(self) -> bool:
        return self.header("content-type").startswith("text/html")

    @property
    def is_problem(self) -> bool:
        return self.header("content-type") == "application/problem+json"


class Upload:
    """A request's body that counts how much of it was read.

    Args:
        length: The declared length, if it is another: the client breaks off before it has sent so much.
    """

    def __init__(self, body: bytes = b"", piece: int = 65536, length: int | None = None) -> None:
        self._stream, self._piece, self.taken = io.BytesIO(body), piece, 0
        self.length = len(body) if length is None else length
        self._reads_past_the_end = 0

    def read(self, size: int = -1) -> bytes:
        read = self._stream.read(size)
        self.taken += len(read)
        self._reads_past_the_end += not read and size != 0
        assert self._reads_past_the_end < 10, "a body that has ended is read for ever"
        return read

    def readline(self, size: int = -1) -> bytes:
        return self._stream.readline(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        return self._stream.readlines(hint)

    def __iter__(self) -> Any:
        return iter(self._stream)

    async def receive(self) -> dict[str, Any]:
        piece = self.read(self._piece)
        if not piece and self.taken < self.length:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": self.taken < self.length}


def split(target: str, mount: str) -> tuple[str, str, str]:
    """Path below the mount, decoded to bytes shown as latin-1; the raw path; the query."""
    raw, _, query = target.partition("?")
    assert raw.startswith(mount), (raw, mount)
    return unquote_to_bytes(raw[len(mount) :]).decode("latin-1"), raw, query


def environ_of(
    method: str, target: str, headers: Pairs, upload: Upload, mount: str, **more: Any
) -> dict[str, Any]:
    path, _, query = split(target, mount)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": mount,
        "PATH_INFO": path,
        "RAW_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": "server.internal",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": upload,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    } | more
    if upload.length:
        environ["CONTENT_LENGTH"] = str(upload.length)
    for name, value in headers:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "CONTENT_TYPE" else value
    return environ


def send_wsgi(gate: Any, environ: dict[str, Any]) -> Answer:
    started: list[tuple[str, Pairs]] = []

    def start_response(status: str, headers: Pairs, exc_info: Any = None) -> Any:
        started.append((status, list(headers)))
        return lambda piece: None

    pieces: Iterable[bytes] = validate.validator(gate)(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        getattr(pieces, "close", lambda: None)()
    status, headers = started[-1]
    return Answer(int(status[:3]), headers, body)


def scope_of(
    method: str, target: str, headers: Pairs, mount: str, kind: str = "http", **more: Any
) -> dict[str, Any]:
    path, raw, query = split(target, mount)
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "https" if kind == "http" else "wss",
        "path": mount + path.encode("latin-1").decode("utf-8", "replace"),
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": mount,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 40000),
        "server": ("server.internal", 8000),
    } | more
    told: dict[str, Any] = {"method": method} if kind == "http" else {"subprotocols": []}
    return scope | told


async def asend(gate: Any, scope: dict[str, Any], upload: Upload) -> Answer:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return await upload.receive() if scope["type"] == "http" else {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await gate(scope, receive, send)
    return answer_of(sent)


def answer_of(sent: list[Any]) -> Answer:
    """Read ASGI messages strictly: one start, then bodies, the last of which says that it is the last."""
    first = sent[0]
    if first["type"] == "websocket.accept":
        return Answer(101, [], kind="accepted")
    if first["type"] == "websocket.close":
        assert len(sent) == 1
        return Answer(first["code"], [], kind="closed")
    family = first["type"].removesuffix(".start")
    assert [message["type"] for message in sent[1:]] == [f"{family}.body"] * (len(sent) - 1)
    assert [bool(message.get("more_body")) for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in first["headers"]]
    assert all(name == name.lower() for name, _ in headers)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(first["status"], headers, body, "http" if family == "http.response" else "denied")


def run(kind: str, call: Any, *args: Any) -> Any:
    """Run an async function to its end on the loop that `kind` names."""
    return trio.run(call, *args) if kind == "trio" else asyncio.run(call(*args))
