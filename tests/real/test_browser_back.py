"""After a sign-out, "Back" in Chromium shows nothing of the user, from neither of its caches."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from oidc_gate.testing import TestProvider
from oidc_gate.testing.provider import Client
from tests.real import browser as chromium_browser
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, SIGNED_OUT, gate_environment
from tests.real.browsing import Watch, go_on, new_person
from tests.real.ports import free_port
from tests.real.servers import serving


@pytest.mark.parametrize("has_bfcache", [False, True], ids=["http-cache", "bfcache"])
@pytest.mark.parametrize("app", ["gated", "remembered"])
def test_back_shows_the_sign_in(tmp_path: Path, app: str, has_bfcache: bool) -> None:
    """Without the header the page of the user appears, so that this test shows what the header does."""
    port = free_port()
    url = f"http://localhost:{port}"
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[url + CALLBACK],
        post_logout_redirect_uris=[url + SIGNED_OUT],
    )
    with (
        TestProvider(clients=[client], auto_login="alice") as provider,
        serving(
            "uvicorn",
            f"tests.real.cached_pages:{app}",
            directory=tmp_path,
            env=gate_environment(provider.issuer, url, keep_id_token="true"),
            port=port,
            ready_path="/oauth2/ping",
        ),
        chromium_browser.chromium(has_bfcache=has_bfcache) as browser,
    ):
        page = new_person(browser, Watch(url))
        page.goto(f"{url}/private")
        go_on(page)
        expect(page.get_by_text("Hello, alice@")).to_be_visible()
        page.goto(f"{url}/private?again=1")
        page.get_by_role("link", name="Sign out").click()
        expect(page.get_by_text("You are signed out")).to_be_visible()
        page.evaluate("setTimeout(() => history.back())")  # a page of the bfcache is never "loaded"
        expect(page).to_have_url(f"{url}/private?again=1")
        if app == "gated":
            expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
            assert "Hello" not in page.content()
        else:
            expect(page.get_by_text("Hello, alice@")).to_be_visible()
