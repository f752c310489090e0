"""The redirects as far as the provider's page, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from oidc_gate.check.live.endpoints import Expected, check_ping, check_redirects
from oidc_gate.check.live.exchanges import Response
from oidc_gate.check.live.page import Target
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

TARGET = Target(URL)
CALLBACK = "https://app.example.com/oauth2/callback"
EXPECTED = Expected("gate", CALLBACK)
COOKIE = "__Host-oidc_gate.flow3=sealed; Path=/; Secure; HttpOnly; SameSite=Lax"


def authorization(
    redirect_uri: str = CALLBACK, client_id: str = "gate", cookie: str = COOKIE, **params: str
) -> Response:
    query = {"client_id": client_id, "redirect_uri": redirect_uri} | params
    cookies = (("Set-Cookie", cookie),) if cookie else ()
    return redirect(f"https://op.example.com/authorize?{urlencode(query)}", *cookies)


def causes_of(
    start: Response,
    provider: Response = CONTENT,
    target: Target = TARGET,
    expected: Expected = EXPECTED,
) -> list[str]:
    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        return start if "/oauth2/start" in url else provider

    return [each.cause for each in check_redirects(Given(answer), target, expected) if each.cause]


@pytest.mark.parametrize(
    ("answer", "is_right", "cause"),
    [
        (OK, True, ""),
        (SIGN_IN, False, "live_not_proxied"),
        (CONTENT, False, "live_not_proxied"),
        (nginx_page(404, "Not Found"), False, "live_not_proxied"),
        (nginx_page(401, "Authorization Required"), False, "live_not_proxied"),
        (nginx_page(502, "Bad Gateway"), False, "live_gate_down"),
        (response(200, nginx_page(503, "Unavailable").text), False, "live_gate_down"),
        (Response(URL, "GET", failure="timeout"), None, ""),
    ],
)
def test_ping(answer: Response, is_right: bool | None, cause: str) -> None:
    found = check_ping(always(answer), TARGET)
    assert (found.is_right, found.cause) == (is_right, cause)


def test_a_sign_in_that_works() -> None:
    assert causes_of(authorization()) == []


@pytest.mark.parametrize(
    ("start", "causes"),
    [
        (authorization("http://app.example.com/oauth2/callback"), ["live_redirect_scheme"]),
        (authorization("http://app.example.com:80/oauth2/callback"), ["live_redirect_scheme"]),
        (authorization("https://127.0.0.1:4180/oauth2/callback"), ["live_redirect_host"]),
        (authorization("http://127.0.0.1:4180/oauth2/callback"), ["live_redirect_host"]),
        (authorization("http://op.example.com/oauth2/callback"), ["live_redirect_host"]),
        (authorization("https://app.example.com:8443/oauth2/callback"), ["live_redirect_host"]),
        (authorization("https://app.example.com/base/oauth2/callback"), ["live_redirect_path"]),
        (authorization(client_id="other"), ["live_other_gate"]),
        (authorization(cookie=""), ["live_no_cookie"]),
        (authorization(cookie="_oauth2_proxy_csrf=a; Path=/"), ["live_no_cookie"]),
        (authorization(cookie=COOKIE + "; Domain=app.example.com"), ["live_cookie"]),
        (authorization(cookie=COOKIE.replace("Path=/", "Path=/app")), ["live_cookie"]),
        (authorization(cookie=COOKIE.replace("Secure; ", "")), ["live_cookie"]),
        (nginx_page(404, "Not Found"), ["live_not_proxied"]),
        (nginx_page(401, "Authorization Required"), ["live_not_proxied"]),
        (CONTENT, ["live_not_proxied"]),
        (nginx_page(502, "Bad Gateway"), ["live_gate_down"]),
        (nginx_page(503, "Service Temporarily Unavailable"), ["live_gate_down"]),
        (nginx_page(504, "Gateway Time-out"), ["live_gate_down"]),
        (problem(502, "issuer_mismatch"), ["live_start"]),
        (response(503, "<dt>Error code</dt><dd>provider_unreachable</dd>"), ["live_start"]),
        (redirect("/oauth2/start?again"), ["live_loop"]),
    ],
)
def test_a_sign_in_that_does_not(start: Response, causes: list[str]) -> None:
    if causes == ["live_loop"]:
        start = redirect("/oauth2/start?rd=/reports")
    assert causes_of(start) == causes


def test_the_code_of_an_error_page_is_named() -> None:
    page = response(503, "<dt>Error code</dt><dd>provider_unreachable</dd>")
    (found,) = check_redirects(always(page), TARGET, EXPECTED)
    assert found.facts["code"] == "provider_unreachable"


@pytest.mark.parametrize(
    ("origin", "cookie", "is_found"),
    [
        ("http://app.example.com", "gate.flow1=a; Secure", True),
        ("http://app.example.com", "gate.flow1=a", False),
        ("https://app.example.com", "gate.flow1=a; Secure", False),
        ("http://localhost:8000", "gate.flow1=a; Secure", False),
        ("http://127.0.0.1:8000", "gate.flow1=a; Secure", False),
        ("http://[::1]:8000", "gate.flow1=a; Secure", False),
        ("http://127.0.0.1.example.com", "gate.flow1=a; Secure", True),
    ],
)
def test_a_secure_cookie_on_an_http_site(origin: str, cookie: str, is_found: bool) -> None:
    start = authorization(f"{origin}/oauth2/callback", cookie=cookie)
    expected = EXPECTED._replace(flow_prefix="gate")
    assert ("live_cookie" in causes_of(start, target=Target(f"{origin}/"), expected=expected)) is is_found


def test_a_cookie_of_another_domain() -> None:
    cookie = "__Secure-oidc_gate.flow1=a; Path=/; Secure; Domain={}"
    expected = EXPECTED._replace(flow_prefix="__Secure-oidc_gate")
    for domain, is_found in (("example.com", False), ("other.example", True), ("ple.com", True)):
        start = authorization(cookie=cookie.format(domain))
        assert ("live_cookie" in causes_of(start, expected=expected)) is is_found, domain


def test_what_the_provider_answers() -> None:
    assert causes_of(authorization(), response(400)) == ["live_provider_refuses"]
    refused = redirect("https://op.example.com/error?error=redirect_uri_mismatch")
    assert causes_of(authorization(), refused) == ["live_provider_refuses"]
    assert causes_of(authorization(), redirect("https://op.example.com/login")) == []


def test_a_pushed_request_does_not_hide_the_redirect_uri() -> None:
    start = redirect(
        "https://op.example.com/authorize?client_id=gate&request_uri=urn:a", ("Set-Cookie", COOKIE)
    )

    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        if "/oauth2/start" in url:
            return start
        if "/oauth2/sign_in" in url:
            return problem(401, "no_cookie", sign_in="http://app.example.com/oauth2/start?rd=/")
        return CONTENT

    answers = check_redirects(Given(answer), TARGET, EXPECTED)
    assert [each.cause for each in answers if each.cause] == ["live_redirect_scheme"]


def test_redirects_are_limited() -> None:
    count = 0

    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        nonlocal count
        count += 1
        return redirect(f"/oauth2/start?n={count}")

    (found,) = check_redirects(Given(answer), TARGET, EXPECTED)
    assert (found.cause, count) == ("live_loop", 10)


def test_a_redirect_that_is_no_http_url_is_not_followed() -> None:
    (found,) = check_redirects(always(redirect("javascript:alert(1)")), TARGET, EXPECTED)
    assert found.cause == "live_start"


def test_only_the_host_of_the_page_is_connected_to_elsewhere() -> None:
    hosts = {
        f"{TARGET.origin}/oauth2/start": redirect("https://auth.example.com/oauth2/start?moved=1"),
        "https://auth.example.com/oauth2/start": authorization("https://auth.example.com/oauth2/callback"),
    }
    browser = Given(lambda method, url, headers: hosts.get(url.partition("?")[0], CONTENT))
    check_redirects(browser, TARGET, EXPECTED)
    assert browser.connected == {
        f"{TARGET.origin}/oauth2/start": "127.0.0.1:443",
        "https://auth.example.com/oauth2/start": "",
        "https://op.example.com/authorize": "",
    }


def test_the_redirect_uri_of_the_settings_may_be_on_another_host() -> None:
    callback = "https://auth.example.com/oauth2/callback"
    expected = EXPECTED._replace(redirect_uri=callback)
    assert causes_of(authorization(callback), expected=expected) == []
    assert causes_of(authorization(callback)) == ["live_redirect_host"]


@pytest.mark.parametrize("location", ["http://[", "//[::1", "https://app.example.com]/x"])
def test_a_location_that_is_not_a_url(location: str) -> None:
    (found,) = check_redirects(always(redirect(location)), TARGET, EXPECTED)
    assert (found.is_right, found.cause) == (False, "live_start")


def test_a_redirect_uri_that_is_not_a_url() -> None:
    assert causes_of(authorization("http://[")) == ["live_redirect_host"]


@pytest.mark.parametrize(
    ("path", "prefix", "is_found"),
    [
        ("", "/oauth2", False),
        ("/", "/oauth2", False),
        ("/app", "/app/oauth2", False),
        ("/app/", "/app/oauth2", False),
        ("/app/oauth2", "/app/oauth2", False),
        ("/app", "/apple/oauth2", True),
        ("/app/oauth", "/app/oauth2", True),
        ("/app/oauth2/callback", "/app/oauth2", True),
        ("/other", "/app/oauth2", True),
    ],
)
def test_the_path_of_the_cookie_has_to_cover_the_callback(path: str, prefix: str, is_found: bool) -> None:
    """Spec: RFC 6265 §5.1.4."""
    target = Target(URL, prefix=prefix)
    expected = EXPECTED._replace(flow_prefix="gate")
    start = authorization(f"{target.origin}{prefix}/callback", cookie=f"gate.flow1=a; Path={path}")

    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        return start if "/start" in url else CONTENT

    found = [each for each in check_redirects(Given(answer), target, expected) if each.cause == "live_cookie"]
    assert [each.facts["why"] for each in found] == ([f"its Path is {path}"] if is_found else [])


@pytest.mark.parametrize(
    ("url", "rd"), [("https://app.example.com", "/"), (f"{URL}/a b?c#d", "/reports/a%20b")]
)
def test_the_sign_in_is_asked_to_return_to_the_page(url: str, rd: str) -> None:
    browser = always(CONTENT)
    check_redirects(browser, Target(url), EXPECTED)
    assert [each.url for each in browser.sent] == [f"https://app.example.com/oauth2/start?rd={rd}"]


def test_the_answer_behind_the_last_redirect_is_explained() -> None:
    def answer(method: str, url: str, headers: Mapping[str, str]) -> Response:
        number = int(url.rpartition("n=")[2]) if "n=" in url else 0
        return redirect(f"/oauth2/start?n={number + 1}") if number < 9 else problem(503, "provider_busy")

    browser = Given(answer)
    (found,) = check_redirects(browser, TARGET, EXPECTED)
    assert (found.cause, found.facts["code"], len(browser.sent)) == ("live_start", "provider_busy", 10)
