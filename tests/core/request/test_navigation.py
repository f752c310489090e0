"""Redirect or 401: who is asking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.model import Headers, Request
from oidc_gate.request.navigation import (
    HANDSHAKE,
    Audience,
    audience_of,
    is_from_browser,
    is_handshake,
    is_marked_by_script,
)
from tests.core.request.making import request

PAGE = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
N, S, F, P, H = Audience.NAVIGATION, Audience.SCRIPT, Audience.FRAME, Audience.FORM_POST, Audience.HTMX


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", PAGE, N),
        ("HEAD", PAGE, N),
        ("POST", PAGE, P),
        ("PUT", PAGE, S),
        ("OPTIONS", PAGE, S),
        ("GET", PAGE | {"x-requested-with": "com.example.webview"}, N),
        ("GET", PAGE | {"sec-fetch-dest": "iframe"}, F),
        ("GET", PAGE | {"sec-fetch-dest": "frame"}, F),
        ("GET", PAGE | {"sec-fetch-dest": "embed"}, F),
        ("GET", PAGE | {"sec-fetch-dest": "object"}, F),
        ("GET", PAGE | {"sec-fetch-dest": "fencedframe"}, F),
        ("HEAD", PAGE | {"sec-fetch-dest": "iframe"}, F),
        ("PUT", PAGE | {"sec-fetch-dest": "iframe"}, S),
        ("POST", {"sec-fetch-mode": "nested-navigate", "sec-fetch-dest": "image"}, P),
        ("POST", PAGE | {"sec-fetch-dest": "iframe"}, P),
        ("GET", PAGE | {"sec-fetch-dest": "image"}, S),
        ("GET", PAGE | {"sec-fetch-mode": "cors", "accept": BROWSER}, S),
        ("GET", PAGE | {"sec-fetch-mode": "no-cors", "accept": BROWSER}, S),
        ("GET", {"sec-fetch-mode": "navigate"}, N),
        ("GET", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}, N),
        ("POST", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}, P),
        ("POST", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "image"}, S),
        ("PUT", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}, S),
        ("GET", {"sec-fetch-mode": "nested-navigate"}, F),
        ("GET", {"sec-fetch-mode": "", "accept": BROWSER}, S),
        ("GET", {"sec-fetch-site": "same-origin", "accept": BROWSER}, N),
        ("GET", {"sec-fetch-site": "same-origin", "accept": "*/*"}, S),
        ("GET", {"sec-fetch-dest": "document", "accept": BROWSER}, N),
        ("GET", {"sec-fetch-dest": "iframe", "accept": BROWSER}, F),
        ("GET", {"sec-fetch-dest": "empty", "accept": BROWSER}, S),
        ("GET", {"sec-fetch-dest": "image", "accept": BROWSER}, S),
        ("GET", PAGE | {"sec-fetch-mode": "websocket"}, S),
    ],
)
def test_fetch_metadata_decides_where_it_comes(
    method: str, headers: dict[str, str], expected: Audience
) -> None:
    assert audience_of(request(method, headers)) is expected


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {"accept": BROWSER}, N),
        ("HEAD", {"accept": "TEXT/HTML"}, N),
        ("GET", {"accept": "application/json, application/xhtml+xml ; q=0.1"}, N),
        ("GET", {"accept": "text/html;level=1;q=0.001"}, N),
        ("GET", {"accept": "text/html;q=0"}, S),
        ("GET", {"accept": "text/html ; Q=0.000, */*"}, S),
        ("GET", {"accept": "text/html;q=0;level=1"}, S),
        ("GET", {"accept": "*/*"}, S),
        ("GET", {"accept": "text/*"}, S),
        ("GET", {"accept": "text/htmlx"}, S),
        ("GET", {"accept": "text/event-stream"}, S),
        ("GET", {"accept": "application/json"}, S),
        ("GET", {}, S),
        ("GET", {"accept": " " * 4087 + "text/html"}, N),
        ("GET", {"accept": " " * 4088 + "text/html"}, S),
        ("POST", {"accept": BROWSER, "content-type": "Text/Plain ;x"}, P),
        ("PUT", {"accept": BROWSER, "content-type": FORM}, S),
        ("GET", {"accept": "text/html", "upgrade-insecure-requests": "0"}, N),
        ("GET", {"accept": "*/*", "upgrade-insecure-requests": "0"}, S),
        ("GET", {"accept": BROWSER, "x-requested-with": "XMLHttpRequest"}, S),
        ("GET", {"accept": BROWSER, "x-requested-with": "com.example.web_view"}, N),
        ("GET", {"accept": BROWSER, "x-requested-with": ""}, S),
        ("GET", {"accept": BROWSER, "x-requested-with": "fetch"}, S),
        ("GET", {"accept": BROWSER, "x-requested-with": "ShockwaveFlash/32.0.0.1"}, S),
        ("GET", {"accept": "*/*", "x-requested-with": "com.example.app"}, S),
        ("GET", {"accept": "*/*", "upgrade-insecure-requests": "1"}, N),
        ("GET", {"upgrade-insecure-requests": "1", "x-requested-with": "XMLHttpRequest"}, S),
        ("DELETE", {"upgrade-insecure-requests": "1"}, S),
        ("OPTIONS", {"accept": BROWSER}, S),
        ("DELETE", {"accept": BROWSER}, S),
        ("POST", {"accept": BROWSER, "content-type": FORM + "; charset=utf-8"}, P),
        ("POST", {"accept": BROWSER, "content-type": "multipart/form-data; boundary=x"}, P),
        ("POST", {"accept": BROWSER, "content-type": "application/json"}, S),
        ("POST", {"accept": "*/*", "content-type": FORM}, S),
        ("POST", {"accept": BROWSER, "content-type": FORM, "x-requested-with": "XMLHttpRequest"}, S),
    ],
)
def test_accept_decides_without_fetch_metadata(
    method: str, headers: dict[str, str], expected: Audience
) -> None:
    assert audience_of(request(method, headers)) is expected


@pytest.mark.parametrize(
    "header",
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "Prefetch"),
        ("x-moz", "prefetch"),
    ],
)
def test_prefetch(header: tuple[str, str]) -> None:
    assert audience_of(request(headers=[*PAGE.items(), header])) is Audience.PREFETCH
    assert audience_of(request(headers=[*PAGE.items(), (header[0], "prefetched")])) is N


def test_prefetch_among_other_tokens() -> None:
    others = "a;" * 8
    for value, expected in (
        ("a, prefetch", Audience.PREFETCH),
        ("a; PREFETCH ;b", Audience.PREFETCH),
        (others + "prefetch", Audience.PREFETCH),
        (others + "prefetch;a", N),  # only so many tokens are read
        ("a prefetch", N),
    ):
        assert audience_of(request(headers=PAGE | {"purpose": value})) is expected, value
    both = PAGE | {"sec-purpose": "other", "x-moz": "prefetch"}
    assert audience_of(request(headers=both)) is Audience.PREFETCH


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        ([], False),
        ([("connection", "upgrade")], False),
        ([("upgrade", "websocket")], True),
        ([("upgrade", "h2c, WebSocket")], True),
        ([("upgrade", "h2c"), ("upgrade", "websocket")], True),
        ([("upgrade", "h2c")], False),
        ([(":protocol", "websocket")], True),
        ([(":protocol", "connect-udp")], False),
        ([("sec-websocket-key", "")], True),
        ([("sec-websocket-version", "13")], True),
        ([("sec-websocket-protocol", "chat")], False),
    ],
)
def test_a_handshake(headers: list[tuple[str, str]], is_one: bool) -> None:
    assert is_handshake(Headers(headers)) is is_one
    assert not is_one or {name for name, _ in headers} <= HANDSHAKE
    assert len(HANDSHAKE) == 4


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        ({}, False),
        ({"user-agent": "Mozilla/5.0 (X11)"}, True),
        ({"user-agent": "curl/8.0 Mozilla/5.0"}, False),
        ({"user-agent": "curl/8.0", "sec-fetch-mode": "cors"}, True),
        ({"sec-fetch-dest": ""}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-user": "?1"}, False),
    ],
)
def test_a_browser(headers: dict[str, str], is_one: bool) -> None:
    assert is_from_browser(Headers(headers.items())) is is_one


@pytest.mark.parametrize(
    ("values", "is_one"),
    [
        ([], False),
        (["com.example.app"], False),
        (["XMLHttpRequest"], True),
        (["com.example.app", "XMLHttpRequest"], True),
        (["com"], True),
        (["com.1x"], True),
        (["com.example\n"], True),
    ],
)
def test_a_script_that_says_so(values: list[str], is_one: bool) -> None:
    assert is_marked_by_script(Headers([("X-Requested-With", value) for value in values])) is is_one


def test_the_kinds_of_clients_as_the_log_names_them() -> None:
    names = ["navigation", "frame", "prefetch", "htmx", "form_post", "websocket", "script"]
    assert [audience.value for audience in Audience] == names


def test_accept_may_be_repeated() -> None:
    assert audience_of(request(headers=[("accept", "*/*"), ("accept", "text/html")])) is N
    assert audience_of(request(headers=[("accept", "*/*"), ("accept", "application/json")])) is S


def test_htmx() -> None:
    assert audience_of(request(headers=PAGE | {"hx-request": " True "})) is H
    boosted = {"hx-request": "true", "hx-boosted": "true", "accept": BROWSER}
    assert audience_of(request(headers=boosted)) is H
    assert audience_of(request("POST", {"hx-request": "true"})) is H
    assert audience_of(request(headers=PAGE | {"hx-request": "false"})) is N


def test_websocket_is_no_navigation() -> None:
    assert audience_of(request(headers=PAGE, is_websocket=True)) is Audience.WEBSOCKET


NAMES = ["accept", "sec-fetch-mode", "sec-fetch-dest", "purpose", "sec-purpose", "x-moz", "hx-request"]
LATIN = st.text(st.characters(max_codepoint=255))


@given(LATIN, st.lists(st.tuples(st.sampled_from(NAMES), LATIN)), st.booleans())
def test_any_bytes_have_an_audience(method: str, headers: list[tuple[str, str]], websocket: bool) -> None:
    asked = Request(method, "http", "", "/", "/", "", Headers(headers), "", websocket)
    assert isinstance(audience_of(asked), Audience)
