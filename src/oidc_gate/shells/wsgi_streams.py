"""Event streams over WSGI, which end with their session at their next chunk.

An application that is computing or waiting for its next chunk cannot be interrupted, but that chunk is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from ..runtime.streams import OpenStream

Pairs = list[tuple[str, str]]


def end_with_session(
    app: Callable[..., Iterable[bytes]],
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    open_stream: Callable[[], OpenStream],
) -> Iterable[bytes]:
    """Call the application, and return its response, which ends with the session if it is an event stream."""
    response = _Response(app, environ, start_response, open_stream)
    return response.body if response.is_plain else response


class _Response:
    """The application's response.

    Attributes:
        body: The application's iterable.
        is_plain: Whether the response started, and is not an event stream.
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        open_stream: Callable[[], OpenStream],
    ) -> None:
        self._start_response, self._open_stream = start_response, open_stream
        self._stream: OpenStream | None = None
        self._has_started = self._is_closed = self.is_plain = False
        self.body = app(environ, self._start)
        try:
            self.is_plain = self._has_started and self._stream is None
            if self.is_plain:
                return
            self._pieces = iter(self.body)
            if not self._has_started:  # for example a generator; see `wsgi_messages`
                self._pieces = chain(tuple(islice(self._pieces, 1)), self._pieces)
        except BaseException:
            self.close()
            raise

    def _start(self, status: str, headers: Pairs, exc_info: Any = None) -> Callable[[bytes], object]:
        self._has_started = True
        given = (status, headers) if exc_info is None else (status, headers, exc_info)
        write: Callable[[bytes], object] = self._start_response(*given)
        if self._stream is None and any(_is_event_stream(*pair) for pair in headers):
            self._stream = self._open_stream()
        return self._ending(write)

    def _ending(self, write: Callable[[bytes], object]) -> Callable[[bytes], object]:
        def write_in_time(piece: bytes) -> object:
            if self._is_over():
                raise BrokenPipeError("the session has ended")
            return write(piece)

        return write_in_time

    def _is_over(self) -> bool:
        return self._stream is not None and self._stream.is_over()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._is_over():
            piece = next(self._pieces)
            if not self._is_over():  # the application may have waited long for this chunk
                return piece
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Close the application's iterable once, as PEP 3333 requires. Some servers call this twice."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._stream is not None:
            self._stream.close()
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


def _is_event_stream(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value.strip().lower().startswith("text/event-stream")
