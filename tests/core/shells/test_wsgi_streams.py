"""Which responses over WSGI are event streams, and what is started, written and closed of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest

from oidc_gate.runtime.streams import OpenStream
from oidc_gate.shells.wsgi_streams import end_with_session

EVENTS = [("Content-Type", "text/event-stream")]
PROBLEM = (ValueError, ValueError("problem"), None)


class Stream:
    """A registered stream whose session ends when the test says so."""

    def __init__(self) -> None:
        self.ended, self.closed = False, 0

    def is_over(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.closed += 1


class Body:
    """The iterable of an application."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces, self.closed = iter(pieces), 0

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self.closed += 1


class Server:
    """What a server is told, and the streams that were opened."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []
        self.streams: list[Stream] = []

    def start_response(self, *given: Any) -> Callable[[bytes], object]:
        self.calls.append(given)
        return self.written.append

    def open_stream(self) -> OpenStream:
        self.streams.append(Stream())
        return cast("OpenStream", self.streams[-1])

    def run(self, app: Callable[..., Iterable[bytes]]) -> Any:
        return end_with_session(app, {}, self.start_response, self.open_stream)


def answering(body: Iterable[bytes], *starts: tuple[Any, ...]) -> Callable[..., Iterable[bytes]]:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        for start in starts:
            start_response(*start)
        return body

    return app


@pytest.mark.parametrize(
    ("headers", "is_stream"),
    [
        (EVENTS, True),
        ([("X-Other", "1"), ("CONTENT-TYPE", " Text/Event-Stream; charset=utf-8")], True),
        ([], False),
        ([("Content-Type", "text/plain")], False),
        ([("Content-Type", "application/json, text/event-stream")], False),
        ([("X-Type", "text/event-stream")], False),
    ],
)
def test_which_responses_are_event_streams(headers: list[tuple[str, str]], is_stream: bool) -> None:
    server, body = Server(), Body(b"a", b"b")
    response = server.run(answering(body, ("200 OK", headers)))
    assert server.calls == [("200 OK", headers)]
    assert (len(server.streams), response is body) == (is_stream, not is_stream)
    assert list(response) == [b"a", b"b"]


@pytest.mark.parametrize(("given", "passed"), [((), ()), ((None,), ()), ((PROBLEM,), (PROBLEM,))])
def test_a_response_that_starts_again_is_one_stream(given: tuple[Any, ...], passed: tuple[Any, ...]) -> None:
    server = Server()
    server.run(answering([], ("200 OK", EVENTS), ("500 Error", EVENTS, *given)))
    assert server.calls == [("200 OK", EVENTS), ("500 Error", EVENTS, *passed)]
    assert len(server.streams) == 1


@pytest.mark.parametrize("pieces", [(), (b"a", b"b")])
def test_the_stream_and_the_iterable_are_closed_once(pieces: tuple[bytes, ...]) -> None:
    server, body = Server(), Body(*pieces)
    response = server.run(answering(body, ("200 OK", EVENTS)))
    assert list(response) == list(pieces)
    for _ in range(2):
        response.close()
    assert (server.streams[0].closed, body.closed) == (1, 1)
    server.run(answering([b"a"], ("200 OK", EVENTS))).close()  # a list has nothing to close
    assert server.streams[1].closed == 1


def test_nothing_is_sent_or_written_after_the_end() -> None:
    server, body = Server(), Body(b"a", b"b")
    writes: list[Callable[[bytes], object]] = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        writes.append(start_response("200 OK", EVENTS))
        return body

    response = server.run(app)
    writes[0](b"written")
    assert next(response) == b"a"
    server.streams[0].ended = True
    with pytest.raises(BrokenPipeError, match="the session has ended"):
        writes[0](b"too late")
    assert (list(response), server.written) == ([], [b"written"])
    assert (server.streams[0].closed, body.closed) == (1, 1)


class Failing(Body):
    def __iter__(self) -> Iterator[bytes]:
        raise LookupError("its own")


@pytest.mark.parametrize("starts", [[], [("200 OK", EVENTS)]])
def test_an_application_that_fails_leaves_nothing_open(starts: list[tuple[Any, ...]]) -> None:
    server, body = Server(), Failing()
    with pytest.raises(LookupError, match="its own"):
        server.run(answering(body, *starts))
    assert ([stream.closed for stream in server.streams], body.closed) == ([1] * len(starts), 1)


@pytest.mark.parametrize(("headers", "streams"), [(EVENTS, 1), ([("Content-Type", "text/plain")], 0)])
def test_a_response_that_starts_with_its_first_piece(headers: list[tuple[str, str]], streams: int) -> None:
    server = Server()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", headers)
        write(b"written")
        yield from (b"a", b"b")

    response = server.run(app)
    assert (server.calls, server.written, len(server.streams)) == (
        [("200 OK", headers)],
        [b"written"],
        streams,
    )
    assert list(response) == [b"a", b"b"]
    response.close()
    assert [stream.closed for stream in server.streams] == [1] * streams
