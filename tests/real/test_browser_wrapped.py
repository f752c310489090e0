"""A person in a browser before applications with the gate directly around them, over WSGI and ASGI, on plain http.

`public_url=http://localhost:PORT` is how people begin: no proxy, no certificate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.real import browser as chromium_browser
from tests.real.behind_nginx import CALLBACK, CLIENT_SECRET, SIGNED_OUT, gate_environment
from tests.real.browser import Screens
from tests.real.browsing import Watch, go_on, new_person, sign_out_at_provider
from tests.real.op_node import client, node_provider, sign_in
from tests.real.ports import free_port
from tests.real.process import Server, running
from tests.real.servers import serving

HELLO = {"wsgi": "Hello, Alice Example.", "asgi": "Hello, alice@example.com."}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give one Chromium to all tests here."""
    with chromium_browser.chromium() as running_browser:
        yield running_browser


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        ("gunicorn-gthread", "wsgi"),
        ("granian-wsgi", "wsgi"),
        ("uvicorn", "asgi"),
        ("granian-asgi", "asgi"),
    ],
)
def test_in_and_out_at_both_places(browser: Browser, tmp_path: Path, server: str, kind: str) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    registered = client(
        url + CALLBACK, client_secret=CLIENT_SECRET, post_logout_redirect_uris=[url + SIGNED_OUT]
    )
    with node_provider([registered], directory=tmp_path) as provider:
        env = gate_environment(provider.issuer, url)
        with serving(server, f"tests.real.wrapped:{kind}", directory=tmp_path, env=env, port=port):
            watch = Watch(url)
            page = new_person(browser, watch)
            reply = page.goto(f"{url}/reports?month=5#top")
            assert reply is not None
            assert reply.status == 401
            go_on(page)
            sign_in(page)
            page.wait_for_url(f"{url}/reports?month=5#top")
            expect(page.get_by_text(HELLO[kind])).to_be_visible()
            (session,) = (cookie for cookie in page.context.cookies(url) if cookie["name"] == "oidc_gate")
            assert (session["httpOnly"], session["secure"], session["sameSite"]) == (True, False, "Lax")

            page.get_by_role("link", name="Sign out").click()
            sign_out_at_provider(page)
            page.wait_for_url(f"{url}{SIGNED_OUT}?state=*")
            expect(page.get_by_text("has sent you back from its own sign-out")).to_be_visible()
            reply = page.goto(f"{url}/reports?month=5")
            assert reply is not None
            assert reply.status == 401
            go_on(page)
            expect(page.get_by_placeholder("Enter any login")).to_be_visible()
            assert watch.complaints == []
            page.context.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the command itself, `oidc-gate demo`."""
    port = free_port()
    argv = [sys.executable, "-m", "oidc_gate.cli", "demo", "--port", str(port)]
    with running(
        "demo", argv, port=port, directory=tmp_path_factory.mktemp("demo"), ready_path="/"
    ) as server:
        yield server


def test_ada_at_the_demo(browser: Browser, demo: Server) -> None:
    url = f"http://localhost:{demo.port}"
    watch = Watch(url)
    page = new_person(browser, watch)
    page.goto(url)
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_role("heading", name="Sign in to the demo")).to_be_visible()
    assert page.url == f"{url}/reports?month=5"
    go_on(page)
    page.get_by_role("button", name="Ada Lovelace").click()
    page.wait_for_url(f"{url}/reports?month=5")
    expect(page.get_by_text("Hello, Ada Lovelace.")).to_be_visible()
    expect(page.get_by_text("Groups: staff, admins")).to_be_visible()
    page.get_by_role("link", name="Sign out").click()
    page.wait_for_url("**/end_session?*")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}{SIGNED_OUT}?state=*")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.goto(f"{url}/reports?month=5")
    expect(page.get_by_role("heading", name="Sign in to the demo")).to_be_visible()
    assert watch.complaints == []


def test_eve_is_refused_at_the_demo_and_may_sign_in_as_somebody_else(
    browser: Browser, demo: Server, screens: Screens
) -> None:
    url = f"http://localhost:{demo.port}"
    watch = Watch(url)
    page = new_person(browser, watch)
    page.goto(f"{url}/reports?month=5")
    go_on(page)
    page.get_by_role("button", name="Eve Outside").click()
    page.wait_for_url(f"{url}{CALLBACK}?*")
    expect(page.get_by_text("eve@elsewhere.example")).to_be_visible()
    screens.keep(page, "refused")
    # Refused again where she asks again, and not sent round.
    reply = page.goto(f"{url}/reports?month=5")
    assert reply is not None
    assert reply.status == 403
    assert reply.request.redirected_from is None
    page.get_by_role("link", name="Sign in with another account").click()
    page.get_by_role("button", name="Grace Hopper").click()
    page.wait_for_url(f"{url}/reports?month=5")
    expect(page.get_by_text("Hello, Grace Hopper.")).to_be_visible()
    assert watch.complaints == []
