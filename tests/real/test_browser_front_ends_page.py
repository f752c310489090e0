"""What docs/front-ends.md says, with its own files, in Chromium behind docs/nginx/sign-in-page.conf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from oidc_gate.testing import Client, TestProvider
from tests.real import browser as chromium_browser
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    RECIPES,
    SIGNED_OUT,
    gate_environment,
    oidc_gate_serve,
)
from tests.real.browser import open_page
from tests.real.front_end_files import FILES, PARTNER
from tests.real.nginx import nginx
from tests.real.servers import serving

DASH = f"{APP}/dash?tab=2#chart"
PARTNER_SERVER = """
server {
    listen 443 ssl;
    server_name partner.example.com;
    ssl_certificate     /etc/nginx/tls/example.com.crt;
    ssl_certificate_key /etc/nginx/tls/example.com.key;
    default_type text/html;
    location / { return 200 "<!doctype html><title>partner</title>"; }
}
"""
CALLS = "async url => (await (await import('/api.js')).api(url)).status"
REGISTERS = """async () => {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller)
        await new Promise(go => navigator.serviceWorker.addEventListener("controllerchange", go, {once: true}));
}"""


@dataclass(frozen=True)
class House:
    """The page's application behind Nginx, and a browser that takes example.com to it."""

    browser: Browser
    provider: TestProvider

    def user(self, url: str = DASH) -> Page:
        """Open a browser with a session at `url`."""
        page = open_page(self.browser, ignore_https_errors=True)
        page.goto(f"{APP}/oauth2/start?rd=/dash")
        page.wait_for_url(f"{APP}/dash")
        page.goto(url)
        return page


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    client = Client(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK],
        post_logout_redirect_uris=[APP + SIGNED_OUT],
    )  # fmt: skip
    with ExitStack() as stack:
        app = stack.enter_context(serving("uvicorn", "tests.real.front_end_files:app", directory=directory))
        provider = stack.enter_context(TestProvider(clients=[client]))
        provider.auto_login = "alice"
        allowed = {"allowed_origins": PARTNER, "allowed_redirect_hosts": "partner.example.com"}
        env = gate_environment(provider.issuer, **allowed)
        gate = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        (directory / "nginx").mkdir()
        text = (RECIPES / "sign-in-page.conf").read_text() + PARTNER_SERVER
        upstreams: dict[int | str, int] = {4180: gate.port, 8080: app.port}
        front = stack.enter_context(nginx(text, directory=directory / "nginx", upstreams=upstreams))
        names = {"app.example.com": front.ports[443], "partner.example.com": front.ports[443]}
        browser = stack.enter_context(chromium_browser.chromium(names, takes_any_certificate=True))
        yield House(browser, provider)


def has_session(page: Page) -> bool:
    return any(cookie["name"].endswith("oidc_gate") for cookie in page.context.cookies(APP))


def comes_back(page: Page, url: str) -> None:
    """Wait until the sign-in, which shows nothing here, has led back to `url` with a new session."""
    for _ in range(600):
        if has_session(page) and page.url == url:
            break
        page.wait_for_timeout(100)
    assert (has_session(page), page.url) == (True, url)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_script_goes_to_the_sign_in_and_comes_back_to_the_page(house: House, method: str) -> None:
    page = house.user()
    assert page.evaluate(CALLS, "/api/data?x=1") == 200
    assert page.evaluate(CALLS, "/own-401") == 401, "a 401 of the application is its own affair"
    page.context.clear_cookies()
    page.evaluate(f"async () => {{ (await import('/api.js')).api('/api/data?x=1', {{method: '{method}'}}) }}")
    comes_back(page, DASH)


def test_a_library_that_calls_fetch_goes_there_too(house: House) -> None:
    page = house.user(f"{APP}/library?tab=2#chart")
    assert page.evaluate("async () => (await fetch('/own-401')).status") == 401
    page.context.clear_cookies()
    page.evaluate("() => { fetch('/_dash-update-component', {method: 'POST', body: '{}'}) }")
    comes_back(page, f"{APP}/library?tab=2#chart")


def test_htmx_follows_the_redirect_and_comes_back(house: House) -> None:
    page = house.user()
    page.get_by_role("button", name="part").click()
    expect(page.get_by_text('"/api/part"')).to_be_visible()
    page.reload()
    page.context.clear_cookies()
    page.get_by_role("button", name="part").click()
    comes_back(page, DASH)


@pytest.mark.parametrize("call", ["listen('/api/events')", "connect('wss://app.example.com/live')"])
def test_an_event_stream_and_a_websocket_find_out_that_the_session_is_over(house: House, call: str) -> None:
    page = house.user()
    page.evaluate("async () => { window.live = await import('/live.js') }")
    page.context.clear_cookies()
    page.evaluate(f"() => {{ window.live.{call} }}")
    comes_back(page, DASH)


@pytest.mark.parametrize(("path", "is_read"), [("/pwa", True), ("/pwa-without", False)])
def test_the_manifest_needs_cookies(house: House, path: str, is_read: bool) -> None:
    page = house.user(APP + path)
    with page.expect_response(re.compile("app.webmanifest")) as caught:
        found: Any = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert caught.value.status == (200 if is_read else 401)
    assert ("An application" in (found.get("data") or "")) is is_read


def test_the_service_worker_caches_static_files_and_never_the_sign_in(house: House) -> None:
    page = house.user()
    page.evaluate(REGISTERS)
    page.context.clear_cookies()
    assert page.evaluate("async () => (await fetch('/static/new.js')).status") == 401
    reply = page.goto(f"{APP}/dash?tab=3")
    assert reply is not None
    assert (reply.status, reply.from_service_worker) == (401, False)
    page.get_by_role("link", name=re.compile("^Sign in")).first.click()
    comes_back(page, f"{APP}/dash?tab=3")
    assert page.evaluate("async () => (await fetch('/static/new.js')).status") == 200, "the 401 was not kept"
    page.reload()
    cached = page.evaluate("async () => (await (await caches.open('static')).keys()).map(each => each.url)")
    assert f"{APP}/static/count.js" in cached
    assert all("/static/" in url for url in cached)
    page.get_by_role("link", name="Sign out").click()
    page.wait_for_url(re.compile("/end_session|/oauth2/signed_out"))
    assert not has_session(page), "a link to the sign-out is not asked about"


def test_a_preflight_from_another_origin_is_answered_behind_nginx(house: House) -> None:
    page = house.user()
    page.goto(f"{PARTNER}/tool?x=1")
    calls = f"async () => {{ {FILES['partner.js']}; return [answer.status, problem && problem.sign_in]; }}"
    assert page.evaluate(calls) == [200, None]
    page.context.clear_cookies()
    status, sign_in = page.evaluate(calls)
    assert status == 401
    page.goto(sign_in)  # the Referer of another origin has no path
    comes_back(page, f"{PARTNER}/")


def test_a_preflight_of_an_origin_that_is_not_listed_fails(house: House) -> None:
    page = house.user()
    page.goto(house.provider.issuer + "/.well-known/openid-configuration")
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(f"async () => {{ {FILES['partner.js']} }}")
