"""Two ``Cookie`` headers on every server: read as two, and none of ours reaches the application.

What servers make of ``Cookie: a=1; b=2`` and ``Cookie: c=3``, measured through ``tests.real.header_echo`` below /raw:

| server (WSGI)                                                       | ``HTTP_COOKIE``   |
|---------------------------------------------------------------------|-------------------|
| gunicorn 27 (sync, gthread, gevent), werkzeug, wsgiref              | ``a=1; b=2,c=3``  |
| uvicorn's and hypercorn's own WSGI interfaces                       | ``a=1; b=2,c=3``  |
| waitress                                                            | ``a=1; b=2, c=3`` |
| granian                                                             | ``a=1; b=2;c=3``  |

ASGI servers hand both on as they came.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.servers import ASGI_SERVERS, WSGI_SERVERS, serving
from tests.real.test_header_stripping import ask, session

__all__ = ["session"]  # the fixture

JOINED = dict.fromkeys(WSGI_SERVERS, ",") | {"waitress": ", ", "granian-wsgi": ";"}


@pytest.fixture(scope="module", params=[*WSGI_SERVERS, *ASGI_SERVERS])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    app = "tests.real.header_echo:" + ("asgi" if request.param in ASGI_SERVERS else "wsgi")
    directory: Path = tmp_path_factory.mktemp("cookies")
    with serving(request.param, app, directory=directory, ready_path="/raw") as server:
        yield request.param, server.port


def test_how_the_server_joins_them(served: tuple[str, int]) -> None:
    kind, port = served
    seen = ask(port, "/raw", ["Cookie: a=1; b=2", "Cookie: c=3"]).of("cookie")
    assert seen == ([f"a=1; b=2{JOINED[kind]}c=3"] if kind in JOINED else ["a=1; b=2", "c=3"])


@pytest.mark.parametrize(
    "order", [["a=1; b=2", "{}"], ["{}", "a=1; b=2"], ["a=1; {}", "b=2"], ["a=1", "{}", "b=2"]]
)
def test_they_are_read_as_two(served: tuple[str, int], session: str, order: list[str]) -> None:
    lines = [f"Cookie: {cookies.format(session)}" for cookies in order]
    for path in ("/strips/in", "/strips/open", "/strips/in"):
        seen = ask(served[1], path, lines)
        assert seen.status == 200
        assert "".join(seen.of("cookie")).translate({ord(sign): None for sign in ",; "}) == "a=1b=2"
