"""The whole request that a scope describes."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.shells import asgi_messages

from .requests import PLAIN, told


def test_headers_over_asgi() -> None:
    headers = asgi_messages.ScopeHeaders([(b"X-Y", b"1"), (b"x-y", b"\xe9"), (b"b", b"")])
    assert (headers.get("x-y"), headers.get("b", "d"), headers.get("x-z"), headers.get("x-z", "d")) == (
        *("1", ""),
        *("", "d"),
    )
    assert (headers.all("x-y"), headers.all("b"), headers.all("x-z")) == (("1", "é"), ("",), ())
    assert ("x-y" in headers, "x-z" in headers) == (True, False)
    assert list(headers) == [("x-y", "1"), ("x-y", "é"), ("b", "")]
    assert repr(headers) == "Headers(['b', 'x-y'])"


SCOPE: dict[str, Any] = {"type": "http", "path": "/", "headers": []}


@pytest.mark.parametrize(
    ("scope", "changes"),
    [
        ({}, {}),
        (
            {
                "method": "PUT",
                "scheme": "https",
                "query_string": b"a=\xe9",
                "client": ("192.0.2.7", 1),
                "headers": [(b"X-Y", b"1")],
            },
            {
                "method": "PUT",
                "scheme": "https",
                "query": "a=é",
                "peer": "192.0.2.7",
                "headers": [("x-y", "1")],
            },
        ),
        ({"client": ("", 0)}, {"peer": "unix"}),
        ({"client": None}, {"peer": "unix"}),
        ({"type": "websocket"}, {"is_websocket": True}),
        ({"type": "websocket", "scheme": "wss"}, {"is_websocket": True, "scheme": "https"}),
        ({"type": "websocket", "scheme": "ws"}, {"is_websocket": True, "scheme": "http"}),
        ({"path": ""}, {}),
        ({"path": "/a b"}, {"path": "/a b", "raw_path": "/a%20b"}),
        ({"path": "/a", "raw_path": b"/%61?b"}, {"path": "/a", "raw_path": "/%61"}),
        ({"path": "/a", "raw_path": b"http://h/a"}, {"path": "/a", "raw_path": "/a", "is_ambiguous": True}),
        ({"path": "/a", "raw_path": b""}, {"path": "/a", "raw_path": "/a"}),
        ({"path": "/\udcff"}, {"path": "/\udcff", "raw_path": "/%FF"}),
        ({"path": "/:@!$&'()*+,;=~-._"}, {"path": "/:@!$&'()*+,;=~-._", "raw_path": "/:@!$&'()*+,;=~-._"}),
        # the mount
        (
            {"root_path": "/b c", "path": "/b c/a", "raw_path": b"/b%20c/%61"},
            {"mount": "/b%20c", "path": "/a", "raw_path": "/%61"},
        ),
        (
            {
                "root_path": "/:@!$&'()*+,;=~-._",
                "path": "/:@!$&'()*+,;=~-._/a",
                "raw_path": b"/:@!$&'()*+,;=~-._/%61",
            },
            {"mount": "/:@!$&'()*+,;=~-._", "path": "/a", "raw_path": "/%61"},
        ),
        ({"root_path": "/b", "path": "/b", "raw_path": b"/b"}, {"mount": "/b"}),
        (
            {"root_path": "/matriX", "path": "/matriX/a", "raw_path": b"/matriX/a"},
            {"mount": "/matriX", "path": "/a", "raw_path": "/a"},
        ),
        (
            {"root_path": "/b", "path": "/a", "raw_path": b"/a"},
            {"mount": "/b", "path": "/a", "raw_path": "/a"},
        ),
        (
            {"root_path": "/b", "path": "/bc", "raw_path": b"/bc"},
            {"mount": "/b", "path": "/bc", "raw_path": "/bc", "is_ambiguous": True},
        ),
        (
            {"root_path": "/b", "path": "/a/b/c", "raw_path": b"/a/b/c"},
            {"mount": "/b", "path": "/a/b/c", "raw_path": "/a/b/c", "is_ambiguous": True},
        ),
        (
            {"root_path": "/b/", "path": "/b/a", "raw_path": b"/b/a"},
            {"mount": "/b", "path": "/a", "raw_path": "/a", "is_ambiguous": True},
        ),
        (
            {"root_path": "/b", "path": "/b/b/a", "raw_path": b"/b/b/a"},
            {"mount": "/b", "path": "/b/a", "raw_path": "/b/a", "is_ambiguous": True},
        ),
        (
            {"root_path": "/b", "path": "/b/a"},
            {"mount": "/b", "path": "/a", "raw_path": "/a", "is_ambiguous": True},
        ),
    ],
)
def test_a_request_over_asgi(scope: dict[str, Any], changes: dict[str, Any]) -> None:
    assert told(asgi_messages.request_of(SCOPE | scope)) == PLAIN | changes


@pytest.mark.parametrize(
    ("framework", "path", "is_ambiguous"),
    [
        *(("falcon", "/b/a", True), ("sanic", "/b/a", True), ("quart", "/b/a", False), ("", "/b/a", False)),
        *(("falcon", "/a", False), ("sanic", "/a", False), ("quart", "/a", True), ("", "/a", False)),
    ],
)
def test_frameworks_that_dispatch_on_another_path(framework: str, path: str, *, is_ambiguous: bool) -> None:
    scope = SCOPE | {"root_path": "/b", "path": path, "raw_path": path.encode()}
    assert asgi_messages.request_of(scope, framework).is_ambiguous is is_ambiguous
    without_mount = SCOPE | {"path": path, "raw_path": path.encode()}
    assert asgi_messages.request_of(without_mount, framework).is_ambiguous is False
