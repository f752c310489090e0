"""The whole request that each interface describes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from oidc_gate.model import Request
from oidc_gate.shells import asgi_messages, wsgi_messages

PLAIN = {
    "method": "GET",
    "scheme": "http",
    "mount": "",
    "path": "/",
    "raw_path": "/",
    "query": "",
    "headers": [],
    "peer": "unix",
    "is_websocket": False,
    "is_ambiguous": False,
}


def told(request: Request) -> dict[str, Any]:
    """Return the fields of a request, without its ID."""
    assert request.request_id == request.number
    found = {each.name: getattr(request, each.name) for each in fields(request)}
    found["headers"] = list(request.headers)
    return {name: value for name, value in found.items() if name not in ("request_id", "number")}


@pytest.mark.parametrize(
    ("environ", "changes"),
    [
        ({}, {}),
        (
            {
                "REQUEST_METHOD": "PUT",
                "wsgi.url_scheme": "https",
                "QUERY_STRING": "a=b",
                "REMOTE_ADDR": "192.0.2.7",
                "HTTP_X_Y": "1",
                "CONTENT_TYPE": "text/plain",
            },
            {
                "method": "PUT",
                "scheme": "https",
                "query": "a=b",
                "peer": "192.0.2.7",
                "headers": [("x-y", "1")],
            },
        ),
        ({"REMOTE_ADDR": "localhost"}, {"peer": "unix"}),
        ({"REMOTE_ADDR": "localhosts"}, {"peer": "localhosts"}),
        # the path, as the client sent it
        ({"PATH_INFO": "/a b"}, {"path": "/a b", "raw_path": "/a%20b"}),
        ({"PATH_INFO": "/a%b", "RAW_URI": "/a%25b?x"}, {"path": "/a%b", "raw_path": "/a%25b"}),
        (
            {"PATH_INFO": "/a%62", "RAW_URI": "/a%62"},
            {"path": "/a%62", "raw_path": "/a%2562", "is_ambiguous": True},
        ),
        ({"PATH_INFO": "/a", "RAW_URI": "/a?x"}, {"path": "/a", "raw_path": "/a"}),
        ({"PATH_INFO": "/a", "REQUEST_URI": "/%61"}, {"path": "/a", "raw_path": "/%61"}),
        ({"PATH_INFO": "/a", "RAW_URI": "/b"}, {"path": "/a", "raw_path": "/a", "is_ambiguous": True}),
        ({"PATH_INFO": "/a", "RAW_URI": "/x/../a"}, {"path": "/a", "raw_path": "/a", "is_ambiguous": True}),
        ({"PATH_INFO": "/a", "RAW_URI": "http://h.example/%61?b"}, {"path": "/a", "raw_path": "/%61"}),
        ({"PATH_INFO": "/a", "RAW_URI": "HTTPS://h.example/a"}, {"path": "/a", "raw_path": "/a"}),
        ({"PATH_INFO": "", "RAW_URI": "http://h.example"}, {"path": "/", "raw_path": "/"}),
        ({"PATH_INFO": "/\xc3\xa9"}, {"path": "/é", "raw_path": "/%C3%A9"}),
        ({"PATH_INFO": "/\xff"}, {"path": "/\udcff", "raw_path": "/%FF"}),
        ({"PATH_INFO": "/\u20ac"}, {"path": "/?", "raw_path": "/%3F"}),
        (
            {"PATH_INFO": "/:@!$&'()*+,;=~-._"},
            {"path": "/:@!$&'()*+,;=~-._", "raw_path": "/:@!$&'()*+,;=~-._"},
        ),
        # the mount
        ({"SCRIPT_NAME": "/base/", "PATH_INFO": "/a"}, {"mount": "/base", "path": "/a", "raw_path": "/a"}),
        ({"SCRIPT_NAME": "/b c", "PATH_INFO": ""}, {"mount": "/b%20c", "path": "/", "raw_path": "/"}),
        (
            {"SCRIPT_NAME": "/b c", "PATH_INFO": "/a", "RAW_URI": "/b%20c/%61"},
            {"mount": "/b%20c", "path": "/a", "raw_path": "/%61"},
        ),
        (
            {"SCRIPT_NAME": "/b", "PATH_INFO": "/a", "RAW_URI": "/a"},
            {"mount": "/b", "path": "/a", "raw_path": "/a"},
        ),
        (
            {"SCRIPT_NAME": "/b", "PATH_INFO": "/b/a", "RAW_URI": "/b/b/a"},
            {"mount": "/b", "path": "/b/a", "raw_path": "/b/a", "is_ambiguous": True},
        ),
        (
            {"SCRIPT_NAME": "/b", "PATH_INFO": "/b", "RAW_URI": "/b/b"},
            {"mount": "/b", "path": "/b", "raw_path": "/b", "is_ambiguous": True},
        ),
        ({"SCRIPT_NAME": "/b", "PATH_INFO": "/bc"}, {"mount": "/b", "path": "/bc", "raw_path": "/bc"}),
        # a WebSocket
        (
            {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
            {"is_websocket": True, "headers": [("upgrade", "websocket"), ("connection", "Upgrade")]},
        ),
        ({"HTTP_CONNECTION": "Upgrade"}, {"headers": [("connection", "Upgrade")]}),
    ],
)
def test_a_request_over_wsgi(environ: dict[str, Any], changes: dict[str, Any]) -> None:
    assert told(wsgi_messages.request_of(environ)) == PLAIN | changes


def test_an_application_that_changes_its_environ_changes_no_header_of_the_request() -> None:
    environ = {"HTTP_X_Y": "1"}
    request = wsgi_messages.request_of(environ)
    environ["HTTP_X_Y"] = "2"
    assert request.headers.get("x-y") == "1"


def test_headers_over_wsgi() -> None:
    headers = wsgi_messages.EnvironHeaders({"HTTP_X_Y": "1", "CONTENT_TYPE": "text/plain", "PATH_INFO": "/"})
    assert (headers.get("x-y"), headers.get("x-z"), headers.get("x-z", "d")) == ("1", "", "d")
    assert (headers.all("x-y"), headers.all("x-z")) == (("1",), ())
    assert headers.get("content-type") == "text/plain"
    assert ("x-y" in headers, "content-type" in headers, "x-z" in headers, "path-info" in headers) == (
        *(True, True),
        *(False, False),
    )
    assert list(headers) == [("x-y", "1")]
    assert repr(headers) == "Headers(['x-y'])"


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
        ({"root_path": "/b", "path": "/b", "raw_path": b"/b"}, {"mount": "/b"}),
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
