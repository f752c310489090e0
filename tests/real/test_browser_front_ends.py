"""What front ends do, in a real browser: service workers, frames, scripts of other origins, long addresses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Error, Page, Response, expect

from tests.real import browser as chromium_browser
from tests.real.browser import open_page
from tests.real.browsing import go_on
from tests.real.ports import free_port
from tests.real.process import running
from tests.real.servers import serving

USES_A_SERVICE_WORKER = """async () => {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller)
        await new Promise(go => navigator.serviceWorker.addEventListener("controllerchange", go, {once: true}));
}"""
SENDS_A_FORM = """url => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action: url});
    document.body.append(form);
    form.submit();
}"""

FILLS_A_FRAME = """() => {
    document.querySelector("iframe")?.remove();
    const frame = document.createElement("iframe");
    document.body.append(Object.assign(frame, {src: "/widget?x=1", width: 600, height: 500}));
}"""

CALLS_THE_API = """async ([url, method]) => {
    const headers = {"X-Requested-With": "fetch"};
    const reply = await fetch(url, {method, headers, credentials: "include"});
    return [reply.status, await reply.json()];
}"""


@dataclass(frozen=True)
class House:
    """The demo's provider, a gated front end, and pages of another origin of the same site."""

    browser: Browser
    url: str
    partner: str

    def person(self) -> Page:
        """Open a browser that has a session."""
        page = open_page(self.browser)
        page.goto(f"{self.url}/dash?tab=2")
        go_on(page)
        page.get_by_role("button", name="Ada Lovelace").click()
        page.wait_for_url(f"{self.url}/dash?tab=2")
        return page


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory, port, partner = tmp_path_factory.mktemp("front"), free_port(), free_port()
    origin = f"http://localhost:{partner}"
    argv = [sys.executable, "-m", "oidc_gate.cli", "demo", "tests.real.front_end:app", "--port", str(port)]
    with ExitStack() as stack:
        stack.enter_context(
            serving("uvicorn", "tests.real.front_end:front_end", directory=directory, port=partner)
        )
        env = {"OIDC_GATE_ALLOWED_ORIGINS": origin, "PARTNER": origin}
        stack.enter_context(
            running("demo", argv, port=port, directory=directory, env=env, ready_path="/oauth2/ping")
        )
        browser = stack.enter_context(chromium_browser.chromium())
        yield House(browser, f"http://localhost:{port}", origin)


def opened(page: Page, url: str) -> Response:
    reply = page.goto(url)
    assert reply is not None
    return reply


def test_navigations_taken_for_scripts_a_service_worker_passes_page_loads_on(house: House) -> None:
    page = house.person()
    page.evaluate(USES_A_SERVICE_WORKER)
    page.context.clear_cookies()
    reply = opened(page, f"{house.url}/dash?tab=3")
    assert (reply.from_service_worker, reply.status) == (True, 401)
    assert reply.headers["content-type"].startswith("text/html")
    go_on(page)
    page.get_by_role("button", name="Ada Lovelace").click()
    page.wait_for_url(f"{house.url}/dash?tab=3")
    expect(page.get_by_role("heading", name="/dash")).to_be_visible()


@pytest.mark.parametrize("sends", ["link", "form"])
def test_sign_out_csrf_through_a_service_worker(house: House, sends: str) -> None:
    page = house.person()
    page.evaluate(USES_A_SERVICE_WORKER)
    page.goto(house.partner.replace("localhost", "127.0.0.1"))
    target = f"{house.url}/oauth2/sign_out"
    page.evaluate("url => { location.href = url }" if sends == "link" else SENDS_A_FORM, target)
    page.wait_for_url(f"{target}*")
    expect(page.get_by_role("heading", name="Sign out?")).to_be_visible()
    assert opened(page, f"{house.url}/dash").status == 200


@pytest.mark.parametrize("holder", ["holder", "isolated"])
def test_frames_show_a_page_whose_link_opens_the_sign_in_at_the_top(house: House, holder: str) -> None:
    page = house.person()
    address = f"{house.url}/{holder}?widget#top"
    page.goto(address)
    page.context.clear_cookies()
    page.evaluate(FILLS_A_FRAME)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Sign in")).to_be_visible()
    frame.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Ada Lovelace").click()
    page.wait_for_url(address)
    expect(page.get_by_role("heading", name=f"/{holder}")).to_be_visible()


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_cors_a_page_of_an_allowed_origin_reads_the_401_and_calls_the_api(house: House, method: str) -> None:
    page = house.person()
    page.goto(f"{house.partner}/app")
    call = [f"{house.url}/api?x=1", method]
    assert page.evaluate(CALLS_THE_API, call) == [200, {"method": method, "query": "x=1"}]
    page.context.clear_cookies()
    status, told = page.evaluate(CALLS_THE_API, call)
    assert (status, told["code"]) == (401, "no_cookie")
    assert told["sign_in"].startswith(f"{house.url}/oauth2/start?rd=")
    page.goto(house.partner.replace("localhost", "127.0.0.1"))
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(CALLS_THE_API, call)


@pytest.mark.parametrize("call", ["listen('/events', told)", "connect(`ws://${location.host}/live`, told)"])
def test_a_stream_that_ends_with_its_session_leads_to_the_sign_in(house: House, call: str) -> None:
    page = house.person()
    opens = (
        f"async () => {{ const live = await import('/live.js'); await new Promise(told => live.{call}); }}"
    )
    page.evaluate(opens)
    with page.expect_request(re.compile(r"/oauth2/start\?rd=%2Fdash%3Ftab%3D2$")):
        page.context.new_page().goto(f"{house.url}/oauth2/sign_out")
