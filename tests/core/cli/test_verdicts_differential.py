"""Whatever `oidc-gate serve` answers, httptools would have let the same answer out: any bytes, in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cli.differential import run

PLAIN_LINES = (b"GET /oauth2/auth HTTP/1.1", b"Host: app", b"Cookie: @C", b"Accept: */*")
LINES = st.sampled_from(
    [
        b"GET /oauth2/auth HTTP/1.1", b"GET /oauth2/auth HTTP/1.1", b"GET /oauth2/auth HTTP/1.1",
        b"GET /oauth2/auth HTTP/1.0", b"HEAD /oauth2/auth HTTP/1.1", b"POST /oauth2/auth HTTP/1.1",
        b"GET  /oauth2/auth HTTP/1.1", b"GET /oauth2/auth HTTP/1.1 ", b"GET /oauth2/auth\tHTTP/1.1",
        b"GET /oauth2/auth?allowed_groups=x HTTP/1.1", b"GET http://app/oauth2/auth HTTP/1.1",
        b"get /oauth2/auth HTTP/1.1", b"GET /oauth2/auth", b"OPTIONS * HTTP/1.1", b"CONNECT app:80 HTTP/1.1",
        b"PRI * HTTP/2.0", b"GET /other HTTP/1.1", b"GET /oauth2/auth HTTP/1.1\r\n Host: folded",
    ]
)  # fmt: skip
HEADERS = (
    *(b"Host: app", b"Host : b", b"Cookie: @C", b"Cookie: a=b; @C; c=d", b"Cookie: x", b"cookie:@C"),
    *(b"Cookie : @C", b" Cookie: @C", b"Cookie: a=b\r\n @C", b"X: y", b"X", b": y", b"X y: z", b"X\0: y"),
    *(b"X: \0", b"X: a\rb", b"X: a\nb", b"X: \x80\xff", b"X: \x0b", b"", b"content-length: 4"),
    *(b"Content-Length: 0", b"Content-Length: 4", b"Content-Length : 4", b"Content-Length: +4"),
    *(b"Content-Length:4 ", b"Content-Length: 4, 4", b"Content-Length: 0x4", b"Content-Length: 38"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: x, chunked"),
    *(b"Transfer-Encoding: chunked, x", b"Transfer-Encoding:\x0bchunked", b"Connection: close"),
    *(b"Connection: keep-alive", b"Connection: upgrade", b"Connection: content-length"),
    *(b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 13", b"Expect: 100-continue"),
)
OTHER_ENDS = (b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\0\r\n")
ENDS = st.sampled_from((b"\r\n",) * 12 + OTHER_ENDS)
BODIES = st.sampled_from(
    [
        b"", b"", b"", b"body", b"4\r\nbody\r\n0\r\n\r\n", b"4;x=y\r\nbody\r\n0\r\nX: y\r\n\r\n", b"4\nbody\n0\n\n",
        b"0\r\n\r\n", b"\r\n", b"\r\n\r\n", b"GET /oauth2/auth HTTP/1.1\r\nCookie: @C\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: @C\r\n\r\n",
    ]
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, or what a parser may take for one."""
    lines = [draw(LINES), *draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=5)), b""]
    return b"".join(line + draw(ENDS) for line in lines) + draw(BODIES)


@st.composite
def nearly_plain(draw: st.DrawFn) -> bytes:
    """A request that would get its verdict at once, but for a header or a line's end."""
    lines = [*PLAIN_LINES]
    for header in draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=2)):
        lines.insert(draw(st.integers(1, len(lines))), header)
    ends = [b"\r\n"] * len(lines)
    ends[draw(st.integers(0, len(ends) - 1))] = draw(ENDS)
    return b"".join(line + end for line, end in zip(lines, ends, strict=True)) + b"\r\n" + draw(BODIES)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A few requests, one after another, and perhaps a few bytes changed."""
    data = bytearray(b"".join(draw(st.lists(nearly_plain() | requests(), min_size=1, max_size=2))))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


@pytest.mark.hypothesis
@given(streams(), st.lists(st.integers(0, 10_000), max_size=2))
def test_no_answer_that_httptools_would_not_have_let_out(data: bytes, cuts: list[int]) -> None:
    run(data, cuts)


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_at_every_place_of_a_plain_request(header: bytes) -> None:
    for place in range(1, len(PLAIN_LINES) + 1):
        run(b"\r\n".join([*PLAIN_LINES[:place], header, *PLAIN_LINES[place:], b"", b""]))


@pytest.mark.parametrize("end", OTHER_ENDS)
def test_every_end_of_every_line_of_a_plain_request(end: bytes) -> None:
    for place in range(len(PLAIN_LINES)):
        run(
            b"\r\n".join(
                [*PLAIN_LINES[:place], PLAIN_LINES[place] + end, *PLAIN_LINES[place + 1 :], b"", b""]
            )
        )
        lines = [
            *PLAIN_LINES[:place],
            PLAIN_LINES[place] + end + b"X: y",
            *PLAIN_LINES[place + 1 :],
            b"",
            b"",
        ]
        run(b"\r\n".join(lines))


PLAIN = b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: @C\r\n\r\n"
INSIDE = b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\n\r\n"


def plain_with(header: bytes) -> bytes:
    return PLAIN.replace(b"Host", header + b"\r\nHost")


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (PLAIN * 3, [202, 202, 202]),
        (PLAIN + INSIDE + PLAIN, [202, 401, 202]),
        (plain_with(b"Content-Length : 40") + INSIDE, [400]),
        (plain_with(b"Content-Length: 40") + INSIDE + PLAIN, [202, 202]),
        (plain_with(b"Content-Length: 40") + INSIDE + b"\0", [202]),
        (
            plain_with(b"Transfer-Encoding: chunked") + b"28\r\n" + INSIDE + b"\r\n0\r\n\r\n" + PLAIN,
            [202, 202],
        ),
        (plain_with(b"Connection: close") + PLAIN, [202]),
        (plain_with(b"Connection: upgrade\r\nUpgrade: h2c") + PLAIN, [202, 202]),
        (INSIDE + PLAIN + b"\0", [401, 202, 400]),
    ],
)
@pytest.mark.parametrize("cut", range(0, 400, 23))
def test_the_comparison_sees_answers(data: bytes, statuses: list[int], cut: int) -> None:
    found = [answer.status for answer in run(data, [cut, 3 * cut])]
    assert found[: len(statuses)] == statuses
    assert set(found[len(statuses) :]) <= {400}
