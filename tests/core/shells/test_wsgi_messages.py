"""The whole request that an `environ` describes."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.shells import wsgi_messages

from .requests import PLAIN, told


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
        # bytes that a client sent without percent-encoding
        ({"PATH_INFO": "/\xc3\xa9", "RAW_URI": "/\xc3\xa9?x"}, {"path": "/é", "raw_path": "/\xc3\xa9"}),
        (
            {"SCRIPT_NAME": "/b", "PATH_INFO": "/\xc3\xa9", "RAW_URI": "/\xc3\xa9"},
            {"mount": "/b", "path": "/é", "raw_path": "/%C3%A9", "is_ambiguous": True},
        ),
        ({"PATH_INFO": "/\xff"}, {"path": "/\udcff", "raw_path": "/%FF"}),
        ({"PATH_INFO": "/\u20ac"}, {"path": "/?", "raw_path": "/%3F"}),
        (
            {"PATH_INFO": "/:@!$&'()*+,;=~-._"},
            {"path": "/:@!$&'()*+,;=~-._", "raw_path": "/:@!$&'()*+,;=~-._"},
        ),
        # the mount
        ({"SCRIPT_NAME": "/base/", "PATH_INFO": "/a"}, {"mount": "/base", "path": "/a", "raw_path": "/a"}),
        ({"SCRIPT_NAME": "/matriX", "PATH_INFO": "/a"}, {"mount": "/matriX", "path": "/a", "raw_path": "/a"}),
        (
            {
                "SCRIPT_NAME": "/:@!$&'()*+,;=~-._",
                "PATH_INFO": "/a",
                "RAW_URI": "/:@!$&'()*+,;=~-._/%61",
            },
            {"mount": "/:@!$&'()*+,;=~-._", "path": "/a", "raw_path": "/%61"},
        ),
        (
            {"SCRIPT_NAME": "/\xc3\xa9", "PATH_INFO": "/a", "RAW_URI": "/%C3%A9/%61"},
            {"mount": "/%C3%A9", "path": "/a", "raw_path": "/%61"},
        ),
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
