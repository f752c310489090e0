"""docs/nginx/subdomains.conf in a browser: in at one host, known at the other, out at both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from oidc_gate.testing import Client, TestProvider
from tests.real import browser as chromium_browser
from tests.real.behind_nginx import (
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    SIGNED_OUT,
    echo_application,
    gate_environment,
    oidc_gate_serve,
    recipe,
)
from tests.real.browsing import Watch, go_on, new_person

APP, WIKI, AUTH = (f"https://{name}.example.com" for name in ("app", "wiki", "auth"))


@pytest.fixture(scope="module")
def provider() -> Iterator[TestProvider]:
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[AUTH + CALLBACK],
        post_logout_redirect_uris=[AUTH + SIGNED_OUT],
    )
    with TestProvider(clients=[client], auto_login="alice") as running:
        yield running


@pytest.fixture(scope="module")
def browser(provider: TestProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    directory = tmp_path_factory.mktemp("subdomains")
    env = gate_environment(
        provider.issuer,
        AUTH,
        cookie_domain="example.com",
        allowed_redirect_hosts="app.example.com,wiki.example.com",
    )
    with ExitStack() as stack:
        app = stack.enter_context(echo_application(directory))
        gate = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        front = stack.enter_context(
            recipe(
                "subdomains.conf",
                directory=directory / "nginx",
                gate_port=gate.port,
                app_port=app.port,
                _8081=app.port,
            )
        )
        names = {f"{name}.example.com": front.ports[443] for name in ("app", "wiki", "auth")}
        yield stack.enter_context(chromium_browser.chromium(names))


def test_in_at_one_and_out_at_the_other(browser: Browser) -> None:
    watch = Watch("https://")
    page = new_person(browser, watch)
    page.goto(f"{APP}/reports?month=5#top")
    go_on(page)
    page.wait_for_url(f"{APP}/reports?month=5#top")
    expect(page.get_by_text("Hello, alice@")).to_be_visible()
    page.goto(f"{WIKI}/reports")
    expect(page.get_by_text("Hello, alice@")).to_be_visible()
    page.get_by_role("link", name="Sign out").click()
    page.wait_for_url("**/end_session?*")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{AUTH}{SIGNED_OUT}?state=*")
    for origin in (APP, WIKI):
        reply = page.goto(f"{origin}/reports")
        assert reply is not None
        assert reply.status == 401
    assert watch.complaints == []


def test_the_sign_out_form_leads_back_to_the_gate(browser: Browser, provider: TestProvider) -> None:
    watch = Watch("https://")
    page = new_person(browser, watch)
    page.goto(f"{WIKI}/reports")
    go_on(page)
    page.wait_for_url(f"{WIKI}/reports")
    # Nobody is signed in at the provider any more, so it asks nothing: one form leads all the way back to us.
    page.context.clear_cookies(domain="127.0.0.1")
    page.goto(f"{provider.issuer}/jwks")
    page.evaluate(f"location.href = '{WIKI}/oauth2/sign_out'")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{AUTH}{SIGNED_OUT}?state=*")
    expect(page.get_by_text("has sent you back from its own sign-out")).to_be_visible()
    assert watch.complaints == []
