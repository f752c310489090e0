"""The application's response over WSGI: what the server gets, call by call."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from oidc_gate.model import Allow, Reply
from oidc_gate.shells import wsgi_messages, wsgi_streams
from oidc_gate.shells.wsgi_messages import StartResponse

OK: list[tuple[str, str]] = [("Content-Type", "text/plain")]
EVENTS = [("content-type", " Text/Event-Stream; charset=utf-8")]
SIGN_IN = Reply(401, (("X-Gate", "1"),), b"sign in")
PROBLEM = (ValueError, ValueError("x"), None)


class Server:
    """Records the calls of a response."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []

    def start_response(self, *given: Any) -> Any:
        self.calls.append(given)
        return self.written.append


class Body:
    """A body that counts how often it is closed."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = iter(pieces)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self.closed += 1


class Stream:
    """A registered stream, whose session ends when the test says so."""

    def __init__(self) -> None:
        self.is_ended = False
        self.closed = 0

    def is_over(self) -> bool:
        return self.is_ended

    def close(self) -> None:
        self.closed += 1


def answering(status: str, headers: list[tuple[str, str]], body: Iterable[bytes], *exc_info: Any) -> Any:
    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers, *exc_info)
        return body

    return app


def sent(allow: Allow, app: Any, method: str = "GET") -> tuple[Server, Iterable[bytes]]:
    server = Server()
    return server, wsgi_messages.watched(app, allow, {"REQUEST_METHOD": method}, server.start_response)


@pytest.mark.parametrize("exc_info", [(), (None,), (PROBLEM,)])
def test_a_response_is_passed_on_with_the_renewed_session(exc_info: tuple[Any, ...]) -> None:
    body = Body(b"a", b"b")
    server, response = sent(Allow(None, set_cookies=("x=1", "y=2")), answering("200 OK", OK, body, *exc_info))
    added = [("Set-Cookie", "x=1"), ("Set-Cookie", "y=2"), ("Cache-Control", "private")]
    given = exc_info if exc_info == (PROBLEM,) else ()
    assert server.calls == [("200 OK", OK + added, *given)]
    assert list(response) == [b"a", b"b"]
    response.close()  # type: ignore[attr-defined]
    assert body.closed == 1


@pytest.mark.parametrize(
    ("cache_control", "added"),
    [
        ("private", [("Set-Cookie", "x=1")]),
        ("no-store", [("Set-Cookie", "x=1")]),
        ("public", []),
    ],
)
def test_the_applications_own_cache_control_is_kept(cache_control: str, added: list[tuple[str, str]]) -> None:
    headers = [("cache-Control", cache_control)]
    server, _ = sent(Allow(None, set_cookies=("x=1",)), answering("200 OK", headers, []))
    assert server.calls == [("200 OK", headers + added)]


def test_nothing_is_added_without_a_renewed_session() -> None:
    server, _ = sent(Allow(None), answering("200 OK", OK, []))
    assert server.calls == [("200 OK", OK)]


@pytest.mark.parametrize(("method", "body"), [("GET", b"sign in"), ("HEAD", b""), ("POST", b"sign in")])
@pytest.mark.parametrize("challenge", [[], [("WWW-Authenticate", "Bearer")]])
def test_the_applications_401_is_replaced(method: str, body: bytes, challenge: list[tuple[str, str]]) -> None:
    own = Body(b"its own words")
    allow = Allow(None, replacement_for_401=lambda: SIGN_IN)
    server, response = sent(allow, answering("401 Unauthorized", challenge, own), method)
    assert (server.calls, list(response)) == ([("401 Unauthorized", [("X-Gate", "1")])], [body])
    assert own.closed == 1


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("401 Unauthorized", [("www-Authenticate", "Basic realm=x")]),
        ("402 Payment Required", []),
        ("200 OK", []),
    ],
)
def test_other_answers_are_not_replaced(status: str, headers: list[tuple[str, str]]) -> None:
    allow = Allow(None, replacement_for_401=lambda: SIGN_IN)
    server, response = sent(allow, answering(status, headers, [b"its own words"]))
    assert (server.calls, list(response)) == ([(status, headers)], [b"its own words"])


def test_without_a_replacement_the_401_is_the_applications() -> None:
    server, response = sent(
        Allow(None, set_cookies=("x=1",)), answering("401 Unauthorized", OK, [b"its own words"])
    )
    assert [call[0] for call in server.calls] == ["401 Unauthorized"]
    assert list(response) == [b"its own words"]


def test_what_is_written_for_a_401_that_is_replaced_goes_nowhere() -> None:
    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response("401 Unauthorized", [])(b"its own words")
        return []

    server, response = sent(Allow(None, replacement_for_401=lambda: SIGN_IN), app)
    assert (server.written, list(response)) == ([], [b"sign in"])


def test_a_generator_starts_with_its_first_piece() -> None:
    asked: list[int] = []

    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", OK)
        for number in range(3):
            asked.append(number)
            yield b"%d" % number

    server, response = sent(Allow(None, set_cookies=("x=1",)), app)
    assert (len(server.calls), asked) == (1, [0])
    assert list(response) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("module", [wsgi_messages, wsgi_streams])
def test_a_body_that_fails_at_its_first_piece_is_closed(module: Any) -> None:
    class Failing(Body):
        def __iter__(self) -> Iterator[bytes]:
            raise ValueError("x")

    body, stream = Failing(), Stream()
    app = answering("200 OK", EVENTS, body)

    def respond() -> None:
        if module is wsgi_messages:
            sent(Allow(None, set_cookies=("x=1",)), app)
        else:
            streamed(app, stream)

    with pytest.raises(ValueError, match="x"):
        respond()
    assert body.closed == 1
    assert stream.closed == (module is wsgi_streams)


def test_a_reply_has_a_reason_phrase() -> None:
    for is_head, pieces in ((False, [b"sign in"]), (True, [b""])):
        server = Server()
        assert list(wsgi_messages.send(SIGN_IN, server.start_response, is_head=is_head)) == pieces
        assert server.calls == [("401 Unauthorized", [("X-Gate", "1")])]
    assert wsgi_messages.status_line(299) == "299 Unknown"


# --- event streams -----------------------------------------------------------------------------------------


def streamed(app: Any, stream: Stream) -> tuple[Server, Any, list[int]]:
    server, opened = Server(), list[int]()

    def open_stream() -> Any:
        opened.append(1)
        return stream

    return server, wsgi_streams.end_with_session(app, {}, server.start_response, open_stream), opened


@pytest.mark.parametrize("exc_info", [(), (None,), (PROBLEM,)])
@pytest.mark.parametrize(
    ("headers", "streams"), [(OK, 0), (EVENTS, 1), ([*OK, *EVENTS], 1), ([("X", "text/event-stream")], 0)]
)
def test_a_response_starts_as_the_application_says(
    headers: list[tuple[str, str]], streams: int, exc_info: tuple[Any, ...]
) -> None:
    body = Body(b"a")
    server, response, opened = streamed(answering("200 OK", headers, body, *exc_info), Stream())
    given = exc_info if exc_info == (PROBLEM,) else ()
    assert server.calls == [("200 OK", headers, *given)]
    assert len(opened) == streams
    assert (response is body) is (streams == 0)
    assert list(response) == [b"a"]


def test_a_stream_that_starts_again_after_an_error_is_registered_once() -> None:
    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", EVENTS)
        try:
            raise ValueError("x")
        except ValueError:
            start_response("500 Internal Server Error", EVENTS, sys.exc_info())
        return []

    server, _, opened = streamed(app, Stream())
    assert ([call[0][:3] for call in server.calls], len(opened)) == (["200", "500"], 1)


def test_a_stream_ends_with_its_session() -> None:
    body, stream = Body(b"a", b"b", b"c"), Stream()
    _, response, _ = streamed(answering("200 OK", EVENTS, body), stream)
    assert next(response) == b"a"
    stream.is_ended = True
    assert list(response) == []
    response.close()
    assert (body.closed, stream.closed) == (1, 1)


def test_a_piece_that_was_awaited_while_the_session_ended_is_not_sent() -> None:
    stream = Stream()

    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", EVENTS)
        yield b"a"
        stream.is_ended = True
        yield b"b"

    _, response, _ = streamed(app, stream)
    assert (list(response), stream.closed) == ([b"a"], 1)


def test_what_is_written_after_the_end_is_an_error() -> None:
    stream = Stream()
    writes: list[Any] = []

    def app(environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        writes.append(start_response("200 OK", EVENTS))
        return []

    server, _, _ = streamed(app, stream)
    writes[0](b"a")
    stream.is_ended = True
    with pytest.raises(BrokenPipeError, match="the session has ended"):
        writes[0](b"b")
    assert server.written == [b"a"]


def test_a_body_without_close() -> None:
    _, response, _ = streamed(answering("200 OK", EVENTS, [b"a"]), Stream())
    assert list(response) == [b"a"]
    response.close()
