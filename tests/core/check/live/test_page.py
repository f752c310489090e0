"""What each answer of the page means."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from oidc_gate.check.live import check_live, page
from oidc_gate.check.live.exchanges import Response
from oidc_gate.check.live.page import Target
from oidc_gate.check.live.requests import FORGED_NAME, handshake
from oidc_gate.testing import settings_for_tests
from tests.core.check.live.answering import (
    CONTENT,
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


@pytest.mark.parametrize(
    ("answer", "causes"),
    [
        (SIGN_IN, []),
        (redirect("/oauth2/start?rd=/reports"), []),
        (redirect("https://op.example.com/authorize?client_id=a"), []),
        (redirect("/elsewhere"), []),
        (CONTENT, ["live_open"]),
        (response(200, 'the report, and <a href="/oauth2/start?rd=/">sign in</a>'), ["live_open"]),
        (response(401, '<a href="/oauth2/start?rd=/">sign in</a>'), []),
        (nginx_page(401, "Authorization Required"), ["live_own_401"]),
        (response(401), ["live_own_401"]),
        (nginx_page(403, "Forbidden"), ["live_own_403"]),
        (nginx_page(404, "Not Found"), ["live_not_found"]),
        (response(404), ["live_not_found"]),
        (nginx_page(500, "Internal Server Error"), ["live_own_500"]),
        (nginx_page(502, "Bad Gateway"), ["live_gateway"]),
        (response(504), ["live_gateway"]),
        (response(507), ["live_own_500"]),
        (response(418), ["live_other"]),
        (problem(401, "no_cookie"), ["live_json"]),
        (response(200, SIGN_IN.text), ["live_sign_in_200"]),
        (response(401, SIGN_IN.text, ("Age", "12")), ["live_cached"]),
        (response(401, SIGN_IN.text, ("X-Cache", "HIT from edge")), ["live_cached"]),
        (response(401, SIGN_IN.text, ("Cache-Control", "public, max-age=60")), ["live_cached"]),
        (response(401, SIGN_IN.text, ("Cache-Control", "no-store"), ("Age", "0")), []),
        (Response(URL, "GET", failure="tls", detail="expired"), ["live_tls"]),
        (Response(URL, "GET", failure="name"), ["live_name"]),
        (Response(URL, "GET", failure="refused"), ["live_unreachable"]),
        (Response(URL, "GET", failure="timeout"), ["live_timeout"]),
        (Response(URL, "GET", failure="broken"), ["live_broken"]),
    ],
)
def test_an_anonymous_browser(answer: Response, causes: list[str]) -> None:
    answers, _ = page.check_page(always(answer), TARGET)
    assert [each.cause for each in answers if each.cause] == causes


def test_a_public_page_may_be_open() -> None:
    answers, _ = page.check_page(always(CONTENT), TARGET._replace(is_public=True))
    assert [each.is_right for each in answers] == [True]


@pytest.mark.parametrize(
    ("answer", "is_right", "cause"),
    [
        (problem(401, "no_cookie"), True, ""),
        (problem(200, "no_cookie"), False, "live_sign_in_200"),
        (nginx_page(401, "Authorization Required"), False, "live_script_page"),
        (redirect("/oauth2/start"), False, "live_script_redirected"),
        (redirect("https://op.example.com/authorize"), False, "live_script_redirected"),
        (SIGN_IN, False, "live_script_page"),
        (CONTENT, False, "live_open_to_scripts"),
        (response(500), None, ""),
    ],
)
def test_a_script(answer: Response, is_right: bool | None, cause: str) -> None:
    found = page.check_script(always(answer), TARGET)
    if cause == "live_script_page" and answer is not SIGN_IN:
        assert found.is_right is None  # the page of the proxy is reported for the browser already
    else:
        assert (found.is_right, found.cause) == (is_right, cause)


@pytest.mark.parametrize(
    ("answer", "is_right", "cause"),
    [
        (problem(401, "no_cookie"), True, ""),
        (nginx_page(403, "Forbidden"), True, ""),
        (response(101), False, "live_socket"),
        (CONTENT, None, ""),
    ],
)
def test_a_web_socket(answer: Response, is_right: bool | None, cause: str) -> None:
    found = page.check_socket(always(answer), TARGET)
    assert (found.is_right, found.cause) == (is_right, cause)


@pytest.mark.parametrize(
    ("answer", "is_page_refused", "cause"),
    [
        (SIGN_IN, True, ""),
        (CONTENT, True, "live_forged"),
        (CONTENT, False, ""),
        (response(200, f"Hello {FORGED_NAME}"), False, "live_forged"),
        (response(200, f"Hello {FORGED_NAME}"), True, "live_forged"),
    ],
)
def test_forged_identity_headers(answer: Response, is_page_refused: bool, cause: str) -> None:
    assert page.check_forged(always(answer), TARGET, is_page_refused=is_page_refused).cause == cause


@pytest.mark.parametrize(
    ("answer", "is_page_refused", "is_right", "cause"),
    [
        (SIGN_IN, True, True, ""),
        (CONTENT, True, False, "live_junk_cookie"),
        (CONTENT, False, None, ""),
        (response(500), True, False, "live_junk_cookie_fails"),
    ],
)
def test_a_made_up_cookie(answer: Response, is_page_refused: bool, is_right: bool | None, cause: str) -> None:
    found = page.check_junk_cookie(always(answer), TARGET, is_page_refused=is_page_refused)
    assert (found.is_right, found.cause) == (is_right, cause)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(SIGN_IN, ""), (response(405), ""), (response(204), "live_post"), (CONTENT, "live_post")],
)
def test_a_post(answer: Response, cause: str) -> None:
    browser = always(answer)
    with pytest.raises(ValueError, match="no POST"):
        page.check_post(browser, TARGET)
    browser._post = True
    assert page.check_post(browser, TARGET).cause == cause


@pytest.mark.parametrize(
    ("answer", "post", "methods"),
    [
        (SIGN_IN, False, {"GET"}),
        (SIGN_IN, True, {"GET", "POST"}),
        (CONTENT, True, {"GET"}),
        (response(404), True, {"GET"}),
    ],
)
def test_a_post_is_sent_only_if_it_is_allowed_and_a_get_was_refused(
    answer: Response, post: bool, methods: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers: list[Given] = []

    def make(**keywords: Any) -> Given:
        browsers.append(Given(lambda method, url, headers: answer, post=keywords["post"]))
        return browsers[0]

    monkeypatch.setattr("oidc_gate.check.live.Browser", make)
    check_live(URL, post=post)
    assert {each.sent.partition(" ")[0] for each in browsers[0].sent} == methods


@pytest.mark.parametrize(
    ("url", "public_url", "is_public"),
    [
        ("https://app.example.com/reports", "https://app.example.com", True),
        ("https://app.example.com/reports?a=/b", "https://app.example.com", True),
        ("https://app.example.com/reports#a?b", "https://app.example.com", True),
        ("https://app.example.com/base/reports", "https://app.example.com/base", True),
        ("https://app.example.com/base/reports", "https://app.example.com", False),
        ("https://app.example.com/Xreports", "https://app.example.com", False),
        ("https://app.example.com", "https://app.example.com", False),
        ("https://app.example.com/base", "https://app.example.com/base", False),
    ],
)
@pytest.mark.parametrize("public_paths", [["/reports"], ["POST /reports"]], ids=["any", "POST"])
def test_only_a_public_page_may_be_open(
    url: str, public_url: str, is_public: bool, public_paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_gate.check.live.Browser", lambda **keywords: always(CONTENT))
    settings = settings_for_tests(public_url=public_url, public_paths=public_paths)
    causes = {answer.cause for answer in check_live(url, settings)}
    assert ("live_open" not in causes) is (is_public and public_paths == ["/reports"])


def test_the_root_of_the_application_may_be_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_gate.check.live.Browser", lambda **keywords: always(CONTENT))
    settings = settings_for_tests(public_url="https://app.example.com/base", public_paths=["/"])
    for url in ("https://app.example.com/base", "https://app.example.com/base/"):
        assert "live_open" not in {answer.cause for answer in check_live(url, settings)}


def test_the_key_of_a_handshake_has_16_random_bytes() -> None:
    """Spec: RFC 6455 §4.1."""
    keys = [handshake(TARGET.origin)["Sec-WebSocket-Key"] for _ in range(2)]
    assert [len(base64.b64decode(key, validate=True)) for key in keys] == [16, 16]
    assert keys[0] != keys[1]
