"""On a public path the application may ask for a sign-in itself, by its own 401."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer, Upload, environ_of
from tests.shells.site import FETCH, HOST, NAVIGATION, Shell, Site

PAGE = [("Content-Type", "text/plain")]


@pytest.mark.parametrize("headers", [NAVIGATION, NAVIGATION | {"Sec-Fetch-Dest": "iframe"}])
@pytest.mark.parametrize("challenge", [None, "Bearer", 'Custom realm="x"'])
def test_its_401_becomes_the_sign_in(site: Site, headers: dict[str, str], challenge: str | None) -> None:
    site.app.status, site.app.body = "401 Unauthorized", b"its own words"
    site.app.headers = [*PAGE, ("Content-Length", "13"), ("Set-Cookie", "a=b")]
    if challenge:
        site.app.headers.append(("WWW-Authenticate", challenge))
    answer = site.visitor().get("/open/page?x=1", headers)
    assert answer.status == 401
    assert answer.all("www-authenticate") == ["Bearer"]
    assert b"its own words" not in answer.body
    assert site.rd(site.start_link(answer)) == site.own("/open/page?x=1")
    assert len(site.app.seen) == 1


def test_its_401_becomes_a_redirect_with_auto_sign_in(make_site: MakeSite) -> None:
    site = make_site(public_paths=("/open",), auto_sign_in=True)
    site.app.status = "401 Unauthorized"
    answer = site.visitor().get("/open?x=1", NAVIGATION)
    assert (answer.status, answer.body) == (302, b"")
    assert site.rd(answer.header("location")) == site.own("/open?x=1")


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "Digest x", "Negotiate", "NTLM", " basic"])
def test_a_challenge_that_browsers_answer_by_themselves_stays(site: Site, challenge: str) -> None:
    site.app.status, site.app.headers = "401 Unauthorized", [*PAGE, ("WWW-Authenticate", challenge)]
    answer = site.visitor().get("/open/page", NAVIGATION)
    assert (answer.status, answer.body) == (401, b"the application")
    assert answer.header("www-authenticate") == challenge


def test_its_401_to_a_program_or_to_somebody_signed_in_stays(site: Site) -> None:
    site.app.status = "401 Unauthorized"
    assert site.visitor().get("/open/page", FETCH).body == b"the application"
    assert site.visitor().send("POST", "/open/page", NAVIGATION).body == b"the application"
    assert site.person().get("/open/page", NAVIGATION).body == b"the application"


def test_any_other_answer_stays(site: Site) -> None:
    for status in ("200 OK", "302 Found", "403 Forbidden", "500 Oops"):
        site.app.status = status
        answer = site.visitor().get("/open/page", NAVIGATION)
        assert (answer.status, answer.body) == (int(status[:3]), b"the application")


def test_to_head_it_comes_without_a_body(site: Site) -> None:
    site.app.status, site.app.body = "401 Unauthorized", b""
    answer = site.visitor().send("HEAD", "/open/page", NAVIGATION)
    assert (answer.status, answer.body) == (401, b"")
    assert answer.is_page


class Body:
    """An iterable that starts its response when it is first asked for a piece, and counts closes."""

    def __init__(self, start: Callable[[], Any], pieces: list[bytes]) -> None:
        self._start, self._pieces, self.closed = start, pieces, 0

    def __iter__(self) -> Iterator[bytes]:
        self._start()
        yield from self._pieces

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("pieces", [[b"late ", b"words"], [b"", b"words"], []])
@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
def test_a_generator_that_starts_late_and_is_closed(pieces: list[bytes], status: str) -> None:
    bodies: list[Body] = []

    def app(environ: dict[str, Any], start_response: Any) -> Body:
        bodies.append(Body(lambda: start_response(status, list(PAGE)), pieces))
        return bodies[-1]

    site = Site(Shell("wsgi", "", "/oauth2"), app, public_paths=("/open",))
    answer = site.visitor().get("/open", NAVIGATION)
    assert answer.status == int(status[:3])
    assert answer.body == b"".join(pieces) if answer.status == 200 else answer.is_page
    assert answer.status == 200 or (answer.text.endswith("</html>\n") and "words" not in answer.text)
    assert bodies[0].closed == 1


@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
@pytest.mark.parametrize("starts_late", [True, False])
def test_the_response_has_started_when_the_gate_returns(status: str, starts_late: bool) -> None:
    """Granian sends 200 without headers if only the iteration starts the response."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        def start() -> None:
            start_response(status, list(PAGE))

        if not starts_late:
            start()
        return Body(start if starts_late else lambda: None, [b"words"])

    site = Site(Shell("wsgi", "", "/oauth2"), app, public_paths=("/open",))
    started: list[str] = []
    pairs = [("Host", HOST), *NAVIGATION.items()]
    environ = environ_of("GET", "/open", pairs, Upload(b""), "")
    pieces = site.gate(environ, lambda status, headers, exc_info=None: started.append(status))
    assert started == [status]
    assert (b"words" in b"".join(pieces)) == (status == "200 OK")


def test_an_application_that_fails_before_its_first_piece_is_closed() -> None:
    def fail() -> None:
        raise LookupError("a defect")

    body = Body(fail, [])
    site = Site(Shell("wsgi", "", "/oauth2"), lambda environ, start_response: body, public_paths=("/open",))
    with pytest.raises(LookupError):
        site.visitor().get("/open", NAVIGATION)
    assert body.closed == 1


def test_an_application_that_writes() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("401 Unauthorized", list(PAGE))(b"written")
        return []

    site = Site(Shell("wsgi", "", "/oauth2"), app, public_paths=("/open",))
    answer = site.visitor().get("/open", NAVIGATION)
    assert answer.is_page
    assert b"written" not in answer.body


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_application_that_streams_its_401(kind: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        for piece in (b"early", b"late"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    answer: Answer = (
        Site(Shell(kind, "", "/oauth2"), app, public_paths=("/open",)).visitor().get("/open", NAVIGATION)
    )
    assert answer.is_page
    assert answer.text.endswith("</html>\n")
    assert "early" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/open/../secret",
        "/open/./x",
        "/open//x",
        "/open/%2e%2e/secret",
        "/open/..%2fsecret",
        "/open/x;y",
        "/open/%5c..%5csecret",
        "/open/%00",
        "/open/%252e%252e/secret",
        "/open",
        "/open/",
        "/open%2Fx/secret",
        "/%6Fpen/secret",
        "/open/x%2fsecret",
        "/open/x%23y",
        "/open/x%3Fy",
        "/OPEN/x",
        "/openx",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_never_public(site: Site, path: str) -> None:
    assert site.visitor().get(path, FETCH).status == 401
    assert site.app.seen == []


def test_a_query_or_a_header_makes_nothing_public(site: Site) -> None:
    spoofed = {"X-Forwarded-Uri": "/open/x", "X-Original-URL": "/open/x", "X-Rewrite-URL": "/open/x"}
    spoofed |= {"X-Forwarded-Method": "OPTIONS", "X-HTTP-Method-Override": "OPTIONS"}
    assert site.visitor().get("/secret?/open/x", FETCH | spoofed).status == 401
    assert site.app.seen == []
