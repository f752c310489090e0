"""Callbacks that arrive in another way, again while there is a queue, or with the code of another flow."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oidc_gate.effects import Lane
from tests.shells.conftest import SHELLS
from tests.shells.site import NAVIGATION, Site
from tests.shells.test_snapshots import CROSS, FORM, started
from tests.shells.test_waiting import Crowd


@pytest.fixture
def site() -> Site:
    return Site(SHELLS[0])


@pytest.mark.parametrize(
    ("mode", "method", "is_in_query", "code"),
    [
        ("form_post", "GET", True, "response_mode_ignored"),
        ("form_post", "GET", False, "state_missing"),
        ("form_post", "POST", True, "state_missing"),
        ("form_post", "POST", False, ""),
        ("query", "GET", True, ""),
        ("query", "GET", False, "state_missing"),
        ("query", "POST", True, ""),
        ("query", "POST", False, "response_mode_ignored"),
    ],
)
def test_only_an_answer_in_the_way_that_was_asked_for_is_read(
    mode: str, method: str, *, is_in_query: bool, code: str
) -> None:
    """A GET has no body, so its answer is in the query or missing."""
    site = Site(SHELLS[0], response_mode=mode)
    browser, address = started(site)
    path, _, query = address.partition("?")
    body = b"" if is_in_query or method == "GET" else query.encode()
    answer = browser.open(method, address if is_in_query else path, NAVIGATION | FORM | CROSS, body)
    assert answer.status == (400 if code else 303 if method == "POST" else 302)
    assert f"<code>{code}</code>" in answer.text or not code


def test_a_used_flow_is_not_sent_to_the_queue_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, address = started(site)
    kept = dict(browser.cookies)
    assert browser.navigate(address).status == 302
    stranger = site.visitor()
    stranger.cookies = kept
    crowd = Crowd(site, Lane.PROVIDER, monkeypatch)
    answer, again = stranger.navigate(address), browser.navigate(address)
    crowd.go()
    assert (answer.status, "<code>flow_used</code>" in answer.text) == (400, True)
    assert again.status in (302, 400)
    assert site.provider.fetches.count("token") == 1


def test_a_code_is_sent_once_even_with_the_state_of_another_flow(site: Site) -> None:
    browser, first = started(site)
    code = parse_qs(urlsplit(first).query)["code"][0]
    other, second = started(site)
    parts = urlsplit(second)
    parameters = {name: values[0] for name, values in parse_qs(parts.query).items()} | {"code": code}
    assert browser.navigate(first).status == 302
    answer = other.navigate(f"{parts.path}?{urlencode(parameters)}")
    assert (answer.status, "<code>flow_used</code>" in answer.text) == (400, True)
    assert site.provider.fetches.count("token") == 1


@pytest.mark.parametrize(("samesite", "query"), [("Strict", ""), ("Lax", "lost=1&")])
def test_the_page_after_a_sign_in_has_the_name_of_the_application(samesite: str, query: str) -> None:
    site = Site(SHELLS[0], application_name="The Application", cookie_samesite=samesite)
    browser = site.visitor()
    begun = browser.navigate(f"{site.path('start')}?{query}rd=/reports")
    answer = browser.navigate(site.provider.authorize(begun.header("location")), Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.is_page, "The Application" in answer.text) == (200, True, True)
