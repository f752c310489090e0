"""What browsers, embedded web views and front ends send, and the answer that they can use."""

from __future__ import annotations

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import FETCH, NAVIGATION, Site

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
PASSED_ON = NAVIGATION | {"Sec-Fetch-Dest": "empty"}
PAGE_LOADS = {
    "passed on by a service worker": PASSED_ON,
    "Chromium before 80": {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "*/*"},
    "mode removed on the way": {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document", "Accept": HTML},
    "mode and destination removed on the way": {"Sec-Fetch-Site": "none", "Accept": HTML},
    "Android WebView": NAVIGATION | {"X-Requested-With": "com.example.app"},
    "Android WebView on http": {"Accept": HTML, "X-Requested-With": "com.example.web_view"},
    "Accept replaced by an extension": {"Accept": "*/*", "Upgrade-Insecure-Requests": "1"},
}
SCRIPTS = {
    "fetch that asks for HTML": FETCH | {"Accept": HTML, "Upgrade-Insecure-Requests": "1"},
    "XMLHttpRequest on http": {"Accept": HTML, "X-Requested-With": "XMLHttpRequest"},
    "another word on http": {"Accept": HTML, "X-Requested-With": "fetch"},
    "a client that names only HTML of no weight": {"Accept": "text/html;q=0"},
    "fetch whose mode was removed on the way": {"Accept": HTML, "Sec-Fetch-Dest": "empty"},
}


@pytest.mark.parametrize("kind", PAGE_LOADS)
def test_navigations_taken_for_scripts(make_site: MakeSite, kind: str) -> None:
    site, headers = make_site(), PAGE_LOADS[kind]
    answer = site.visitor().get("/reports?month=5", headers)
    assert (answer.status, answer.is_page) == (401, True)
    assert site.rd(site.start_link(answer)) == site.own("/reports?month=5")
    assert site.visitor().open("GET", site.start_link(answer), headers).status == 302
    page = site.visitor().ask("sign_in", headers)
    assert (page.status, page.is_page) == (401, True)
    assert make_site(auto_sign_in=True).visitor().get("/", headers).status == 302


@pytest.mark.parametrize("kind", SCRIPTS)
def test_scripts_are_not_taken_for_navigations(make_site: MakeSite, kind: str) -> None:
    for site in (make_site(), make_site(auto_sign_in=True)):
        for answer in (
            site.visitor().get("/reports", SCRIPTS[kind]),
            site.visitor().ask("sign_in", SCRIPTS[kind]),
        ):
            assert (answer.status, answer.is_problem) == (401, True)


def test_a_form_that_a_service_worker_passes_on_gets_the_page_for_forms(site: Site) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.visitor().send("POST", "/form", PASSED_ON | form, b"a=1")
    assert (answer.status, answer.is_page) == (401, True)
    assert "Your form was not sent" in answer.text
