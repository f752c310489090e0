"""What the protocol of `oidc-gate serve` answers, beside what httptools and the gate make of the same bytes.

The claim: each answer, but a refusal at the end, is the one that the gate gives to the request whose head httptools
accepted at that place. So no bytes of a body, or of what is no request, are run as a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import unquote

import httptools

from oidc_gate.asgi import AuthBackend
from tests.core.cli.connection import Connection

REFUSALS = frozenset({400, 408, 431})
_OF_THE_SERVER = frozenset({b"connection", b"transfer-encoding"})


@dataclass
class Message:
    method: bytes
    url: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]


class Reader:
    """Every request that httptools reads, until it refuses; of the last one perhaps the head alone."""

    def __init__(self, data: bytes) -> None:
        self.messages: list[Message] = []
        self._parser = httptools.HttpRequestParser(self)
        try:
            while data:
                try:
                    self._parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as upgrade:  # nothing here upgrades: what follows is HTTP
                    data = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            pass

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        method, version = self._parser.get_method(), self._parser.get_http_version()
        self.messages.append(Message(method, self._url, version, self._headers))
        self._headers = []  # what follows are trailers

    def on_body(self, body: bytes) -> None:
        self.messages[-1].body += body


class OnlyAuth:
    """An application that asks the gate for verdicts alone, so that no request goes to a provider."""

    def __init__(self, gate: AuthBackend) -> None:
        self.gate, self.verdict, self.auth_path = gate, gate.verdict, gate.auth_path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == self.auth_path:
            return await self.gate(scope, receive, send)
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def expected(connection: Connection, message: Message) -> Answer:
    """Return what the gate answers to `message`."""
    url = httptools.parse_url(message.url)
    scope = {
        "type": "http",
        "http_version": message.version,
        "method": message.method.decode("ascii"),
        "scheme": "http",
        "path": unquote(url.path.decode("ascii")),
        "raw_path": url.path,
        "query_string": url.query or b"",
        "root_path": "",
        "headers": message.headers,
        "client": None,
        "server": None,
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": message.body, "more_body": False}

    async def send(event: Any) -> None:
        sent.append(event)

    await connection.app(scope, receive, send)
    return Answer(sent[0]["status"], _comparable(sent[0]["headers"]))


def _comparable(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted((name, value) for name, value in headers if name not in _OF_THE_SERVER)


def answers(sent: bytes, messages: Sequence[Message]) -> list[Answer]:
    """Return the answers in `sent`."""
    found: list[Answer] = []
    while sent:
        head, _, sent = sent.partition(b"\r\n\r\n")
        line, *lines = head.split(b"\r\n")
        status = int(line.split(b" ")[1])
        if status == 100:
            continue
        headers = [(name, value) for name, _, value in (each.partition(b": ") for each in lines)]
        is_head = len(found) < len(messages) and messages[len(found)].method == b"HEAD"
        found.append(Answer(status, _comparable(headers)))
        sent = sent[0 if is_head and status not in REFUSALS else int(dict(headers)[b"content-length"]) :]
    return found


async def compare(connection: Connection, data: bytes, cuts: Sequence[int] = ()) -> list[Answer]:
    """Send `data`, cut at `cuts`, and hold each answer to the claim; return the answers."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges) if start < end]
    sent = await connection.send(*pieces)
    messages = Reader(data).messages
    for _ in range(10 * len(messages)):
        await connection.settle()
    found = answers(connection.transport.sent or sent, messages)
    for number, answer in enumerate(found):
        if answer.status in REFUSALS and number == len(found) - 1:
            assert connection.transport.is_closed
            break
        assert number < len(messages), (data, found)
        assert answer == await expected(connection, messages[number]), (data, number, found)
    return found


@cache
def _first() -> Connection:
    return Connection(wrap=OnlyAuth)


def run(data: bytes, cuts: Sequence[int] = ()) -> list[Answer]:
    """Compare over a connection of its own; ``@C`` in `data` stands for a good cookie."""

    async def story() -> list[Answer]:
        connection = Connection(OnlyAuth, _first(), date_header=False, server_header=False)
        return await compare(connection, data.replace(b"@C", connection.cookie), cuts)

    async def first() -> None:
        _first()

    asyncio.run(first())
    return asyncio.run(story())
