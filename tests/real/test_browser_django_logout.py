"""Django admin's "Log out" in a real browser: the next page must ask for a sign-in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real.browser import open_page
from tests.real.browsing import go_on
from tests.real.ports import free_port
from tests.real.process import running

POSTS = """url => fetch(url, {method: "POST", headers: {"X-CSRFToken": document.cookie.split("csrftoken=")[1]}})
    .then(reply => reply.status)"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", "oidc_gate.cli", "demo", "tests.real.django_admin:application"]
    with running(
        "demo",
        [*argv, "--port", str(port)],
        port=port,
        directory=tmp_path_factory.mktemp("django"),
        ready_path="/oauth2/ping",
    ):
        yield f"http://localhost:{port}"


def signed_in_page(browser: Browser, url: str) -> Page:
    page = open_page(browser)
    page.goto(f"{url}/admin/")
    go_on(page)
    page.get_by_role("button", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    return page


def sign_out_at_the_demo_provider(page: Page) -> None:
    page.wait_for_url(re.compile("/end_session"))
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/oauth2/signed_out"))


def test_log_out_of_the_admin_ends_the_session_here_and_at_the_provider(browser: Browser, url: str) -> None:
    page = signed_in_page(browser, url)
    page.get_by_role("button", name="Log out").click()
    sign_out_at_the_demo_provider(page)
    page.goto(f"{url}/admin/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    go_on(page)
    expect(page.get_by_role("button", name="Ada Lovelace")).to_be_visible()


def test_sign_out_csrf_a_link_of_another_site_to_a_logout_view_asks(browser: Browser, url: str) -> None:
    page = signed_in_page(browser, url)
    page.goto(url.replace("localhost", "127.0.0.1") + "/oauth2/signed_out")
    page.evaluate("url => { location.href = url }", f"{url}/leave")
    page.wait_for_url(f"{url}/oauth2/sign_out")
    expect(page.get_by_role("heading", name="Sign out?")).to_be_visible()
    page.goto(f"{url}/admin/")
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()


def test_a_link_of_the_same_site_ends_it(browser: Browser, url: str) -> None:
    page = signed_in_page(browser, url)
    page.evaluate("() => { location.href = '/leave' }")
    sign_out_at_the_demo_provider(page)
    reply = page.goto(f"{url}/admin/")
    assert reply is not None
    assert reply.status == 401


def test_a_script_reads_the_answer_and_then_opens_the_sign_out(browser: Browser, url: str) -> None:
    page = signed_in_page(browser, url)
    assert page.evaluate(POSTS, "/leave") in (200, 403)
    page.evaluate("() => { location.href = '/oauth2/sign_out' }")
    sign_out_at_the_demo_provider(page)
