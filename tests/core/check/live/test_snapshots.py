"""The requests of the check to a page, and what it says about each answer, whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.live import check_live
from oidc_gate.check.live.endpoints import Expected, check_ping, check_redirects
from oidc_gate.check.live.exchanges import Response
from oidc_gate.check.live.page import (
    Target,
    check_forged,
    check_junk_cookie,
    check_page,
    check_post,
    check_script,
    check_socket,
)
from oidc_gate.check.live.requests import FORGED_NAME
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import settings_for_tests
from tests.core.check.live.answering import (
    CONTENT,
    OK,
    SIGN_IN,
    URL,
    Given,
    always,
    nginx_page,
    problem,
    redirect,
    response,
)
from tests.core.check.live.test_endpoints import CALLBACK, COOKIE, authorization
from tests.core.check.provider.test_discovery import METADATA
from tests.core.check.rendering import rendered, without_random
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")
SETTINGS: dict[str, Any] = {"public_url": "https://app.example.com", "client_id": "gate"}
HELLO = response(200, f"Hello {FORGED_NAME}")
PAGES: dict[str, Response] = {
    "the sign-in page": SIGN_IN,
    "the sign-in page with 200": response(200, SIGN_IN.text),
    "a link to the sign-in, with 403": response(403, '<a href="/oauth2/start?rd=/">'),
    "a link to the sign-in, with 200": response(200, '<a href="/oauth2/start?rd=/">'),
    "a redirect to the sign-in": redirect("/oauth2/sign_in"),
    "a redirect to the start": redirect("/oauth2/start?rd=/x"),
    "a redirect to the provider": redirect("https://op.example.com/authorize?client_id=a"),
    "a redirect on the host": redirect("/elsewhere"),
    "a redirect to what is not a URL": redirect("http://["),
    "content": CONTENT,
    "content with 299": response(299, "x"),
    "content with the forged name": HELLO,
    "101": response(101),
    "204": response(204),
    "a location without a redirect": response(200, "x", ("Location", "/x")),
    "a location with 400": response(400, "x", ("Location", "/x")),
    "300": response(300, "x", ("Location", "/x")),
    "300 without a location": response(300, "x"),
    "399 without a location": response(399, "x"),
    "JSON with another content type": response(401, '{"code": "no_cookie"}', kind="text/plain"),
    "404": response(404),
    "405": response(405),
    "418": response(418),
    "401": response(401),
    "403": response(403),
    "500": response(500),
    "504": response(504),
    "599": response(599),
    **{
        f"Nginx's {status}": nginx_page(status, "Title")
        for status in (400, 401, 403, 404, 500, 501, 502, 503, 504)
    },
    "Nginx's 502 with 200": response(200, nginx_page(502, "Title").text),
    "Nginx's 401 far below": response(200, " " * 2000 + nginx_page(401, "Title").text),
    "a problem": problem(401, "no_cookie"),
    "a problem with 200": problem(200, "no_cookie"),
    "a problem with 399": problem(399, "no_cookie"),
    "a problem as JSON": response(400, '{"code": "no_cookie"}', kind="application/json; charset=utf-8"),
    "JSON with 399": response(399, '{"code": "no_cookie"}', kind="application/json"),
    "JSON of another kind": response(401, '{"code": "NO"}', kind="application/json"),
    "no JSON": response(401, "[", kind="application/problem+json"),
    "a list": response(401, "[1]", kind="application/problem+json"),
    **{
        f"401 with {name} {value}": response(401, SIGN_IN.text, (name, value))
        for name, value in (
            ("Age", "0"),
            ("Age", "12"),
            ("X-Cache", "hit from edge"),
            ("X-Cache", "MISS"),
            ("Cf-Cache-Status", "HIT"),
            ("X-Proxy-Cache", "HIT"),
            ("X-Cache-Status", "HIT"),
            ("Cache-Control", "public"),
            ("Cache-Control", "max-age=60"),
            ("Cache-Control", "public, max-age=0"),
            ("Cache-Control", "no-store"),
            ("Cache-Control", f"public, {'x' * 60}"),
        )
    },
    "403 with an age": response(403, "", ("Age", "1")),
    "404 with an age": response(404, "", ("Age", "1")),
    **{
        failure: Response(URL, "GET", failure=failure, detail="why")
        for failure in ("name", "refused", "timeout", "tls", "broken", "limit")
    },
}


def starting(start: Response, other: Response, *, post: bool = False) -> Given:
    """Return a browser that gets `start` from the start of a sign-in, and `other` elsewhere."""
    return Given(lambda method, url, headers: start if "/oauth2/start" in url else other, post=post)


@pytest.mark.parametrize("is_public", [False, True], ids=["protected", "public"])
def test_what_each_answer_of_the_page_means(is_public: bool) -> None:
    target = Target(URL, is_public=is_public)
    lines = []
    for name, given in PAGES.items():
        if is_public and given not in (CONTENT, SIGN_IN, PAGES["101"]):
            continue
        lines += [f"== {name}", *rendered(check_page(always(given), target)[0])]
        for check in (check_script, check_socket):
            lines += rendered([check(always(given), target)])
        for check_with in (check_forged, check_junk_cookie):
            for refused in (True, False):
                lines += rendered([check_with(always(given), target, is_page_refused=refused)])
        lines += rendered([check_post(starting(given, given, post=True), target)])
    compare(FOLDER / f"pages-{'public' if is_public else 'protected'}.txt", "\n".join(lines) + "\n")


LONG = "x" * 200
STARTS: dict[str, Response] = {
    "it works": authorization(),
    "without a redirect URI": authorization(redirect_uri=""),
    "other scheme": authorization("http://app.example.com/oauth2/callback"),
    "other scheme and port": authorization("http://app.example.com:80/oauth2/callback"),
    "other port": authorization("https://app.example.com:8443/oauth2/callback"),
    "other host": authorization("https://127.0.0.1:4180/oauth2/callback"),
    "host in capitals": authorization("https://APP.example.com/oauth2/callback"),
    "other path": authorization("https://app.example.com/base/oauth2/callback"),
    "other client": authorization(client_id="other"),
    "no client": redirect("https://op.example.com/authorize?redirect_uri=a"),
    "other endpoint": redirect(
        f"https://other.example.com/a?client_id=gate&redirect_uri={CALLBACK}", ("Set-Cookie", COOKIE)
    ),
    "signed": redirect("https://op.example.com/a?client_id=gate&request=x", ("Set-Cookie", COOKIE)),
    "no cookie": authorization(cookie=""),
    "other cookies": redirect(
        f"https://op.example.com/a?client_id=gate&redirect_uri={CALLBACK}",
        *(("Set-Cookie", f"c{number}=1") for number in range(7)),
        ("Set-Cookie", "gone="),
    ),
    **{
        f"cookie {changed}": authorization(cookie=changed)
        for changed in (
            f"{COOKIE}; Domain=app.example.com",
            COOKIE.replace("Path=/", "Path=/app"),
            COOKIE.replace("Path=/;", ""),
            COOKIE.replace("Secure; ", ""),
        )
    },
    "long values": redirect(
        f"https://op.example.com/{LONG}?client_id={LONG}&redirect_uri=https://{LONG}",
        ("Set-Cookie", f"__Host-oidc_gate.flow1=a; Domain={LONG}"),
    ),
    "a long path of the cookie": authorization(cookie=f"__Host-oidc_gateX=a; Path=/{LONG}; Secure"),
    "a long name of another cookie": authorization(cookie=f"{LONG}=a"),
    "a loop with a long URL": redirect(f"http://app.example.com/oauth2/start/{LONG}"),
    "no redirect URI in the request": redirect("https://op.example.com/authorize?client_id=gate"),
    **{f"Nginx's {status}": nginx_page(status, "Title") for status in (401, 404, 499, 500, 502, 503, 504)},
    **{
        f"Nginx's {status} with 200": response(200, nginx_page(status, "Title").text) for status in (404, 502)
    },
    "404": response(404),
    "content": CONTENT,
    "500": response(500),
    "502": response(502),
    "502 with a code": problem(502, "issuer_mismatch"),
    "503 with a code on the page": response(503, "<dt>Error code</dt><dd>provider_unreachable</dd>"),
    "418": response(418),
    "refused": Response(URL, "GET", failure="refused", detail="why"),
    "a redirect to itself": redirect("/oauth2/start?rd=/reports"),
    "no URL": redirect("javascript:alert(1)"),
    "no query": redirect("https://op.example.com/authorize?%"),
}
ALONE = {"it works", "other client", "other path", "other endpoint", "no cookie"}
PROVIDER_PAGES: dict[str, Response] = {
    "a page": CONTENT,
    "a redirect": redirect("https://op.example.com/login"),
    "an error": redirect(f"{CALLBACK}?error=invalid_scope"),
    "399": response(399),
    "400": response(400),
    "a long error": redirect(f"{CALLBACK}?error={LONG}"),
    "a failure": Response(URL, "GET", failure="timeout", detail="why"),
}
PINGS: dict[str, Response] = {
    "OK": OK,
    "OK with 201": response(201, "OK"),
    **{name: PAGES[name] for name in ("content", "the sign-in page", "404", "504", "refused")},
    **{f"Nginx's {status}": nginx_page(status, "Title") for status in (401, 404, 500, 502, 503, 504)},
}


def test_what_each_answer_of_the_endpoints_means() -> None:
    target, metadata = (
        Target(URL),
        Metadata(**(METADATA | {"authorization_endpoint": "https://op.example.com/authorize?p=1"})),
    )
    lines = []
    for name, given in PINGS.items():
        lines += [f"== ping: {name}", *rendered([check_ping(always(given), target)])]
    for name, given in STARTS.items():
        compared = ("compared", Expected("gate", CALLBACK, metadata))
        for what, expected in (compared, *([("not compared", Expected())] if name in ALONE else [])):
            answers = check_redirects(starting(given, CONTENT), target, expected)
            lines += [f"== start, {what}: {name}", *rendered(answers)]
    for name, given in PROVIDER_PAGES.items():
        answers = check_redirects(starting(authorization(), given), target, Expected("gate", CALLBACK))
        lines += [f"== page of the provider: {name}", *rendered(answers[-1:])]
    compare(FOLDER / "endpoints.txt", "\n".join(lines) + "\n")


SITES: dict[str, tuple[dict[str, Any], str]] = {
    "at the root": ({}, URL),
    "mounted": (
        {"public_url": "https://app.example.com/base", "prefix": "/gate", "cookie_name": "c"},
        f"{URL}?a=b#c",
    ),
    "public": ({"public_paths": ["/reports"]}, f"{URL}?a"),
    "public and mounted": (
        {"public_url": "https://app.example.com/base", "public_paths": ["/reports"]},
        "https://app.example.com/base/reports#a",
    ),
    "without public_url": ({"public_url": None}, URL),
}


@pytest.mark.parametrize("name", [*SITES, "without settings"])
def test_the_requests_to_a_page(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed, url = SITES.get(name, ({}, URL))
    settings = None if name == "without settings" else settings_for_tests(**(SETTINGS | changed))
    sent: list[str] = []
    made: list[dict[str, Any]] = []

    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        sent.append(without_random(f"{method} {url} {dict(sorted(headers.items()))}"))
        if "/start" in url:
            return authorization()
        return OK if "/ping" in url else CONTENT if "op.example.com" in url else SIGN_IN

    def browser(**keywords: Any) -> Given:
        made.append(keywords)
        return Given(answer, post=keywords["post"])

    monkeypatch.setattr("oidc_gate.check.live.Browser", browser)
    answers = check_live(url, settings, Metadata(**METADATA), post=True, connect="h:1", ca_file="/ca.pem")
    assert made == [{"connect": "h:1", "ca_file": "/ca.pem", "post": True}]
    lines = [*sent, *rendered(answers)]
    compare(FOLDER / f"site-{name.replace(' ', '-')}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("failure", ["", "timeout"])
def test_nothing_more_is_sent_if_the_page_does_not_answer(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = always(Response(URL, "GET", 0 if failure else 404, failure=failure))
    monkeypatch.setattr("oidc_gate.check.live.Browser", lambda **keywords: browser)
    answers = check_live(URL)
    assert (len(browser.sent) == 1, len(answers) == 1) == (bool(failure), bool(failure))
