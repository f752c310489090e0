"""A person, a browser, the files of docs/nginx, and the certified npm provider: in, and out at both places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real import browser as chromium_browser
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_SECRET,
    FORMS,
    SIGNED_OUT,
    echo_application,
    gate_environment,
    oidc_gate_serve,
    recipe,
)
from tests.real.browser import Screens
from tests.real.browsing import Watch, go_on, new_person, sign_out_at_provider, tab_to
from tests.real.op_node import NodeProvider, client, node_provider, sign_in
from tests.real.process import Server

ASKED = f"{APP}/reports?month=5#top"
HOUSES: dict[str, tuple[str, dict[str, str]]] = {
    **{form: (form, {}) for form in FORMS},
    "auto_sign_in": ("page", {"auto_sign_in": "true"}),
    "form_post": ("page", {"response_mode": "form_post"}),
    "strict": ("page", {"cookie_samesite": "Strict"}),
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIGN_IN_PAGE = """\
- banner: Reports
- main:
  - heading "Sign in to Reports" [level=1]
  - paragraph: Please sign in with Example ID to continue. You will come straight back to this page.
  - link "Sign in with Example ID":
    - /url: /oauth2/start?rd=/reports%3Fmonth%3D5%23top"""
IN_PLACE = {"page": 401, "page-403": 403}


@dataclass(frozen=True)
class House:
    """One Nginx form, and a Chromium that takes app.example.com to it."""

    form: str
    browser: Browser
    watch: Watch
    provider: NodeProvider

    def person(self) -> Page:
        self.watch.complaints.clear()
        return new_person(self.browser, self.watch)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProvider]:
    registered = client(
        APP + CALLBACK, client_secret=CLIENT_SECRET, post_logout_redirect_uris=[APP + SIGNED_OUT]
    )
    with node_provider([registered], directory=tmp_path_factory.mktemp("op")) as running:
        yield running


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with echo_application(tmp_path_factory.mktemp("app")) as server:
        yield server


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    provider: NodeProvider,
    application: Server,
) -> Iterator[House]:
    """Run a gate, an Nginx and a browser; one house at a time, since two Playwrights do not live together."""
    form, more = HOUSES[request.param]
    directory = tmp_path_factory.mktemp("house")
    settings = {"application_name": "Reports", "provider_name": "Example ID"} | more
    with ExitStack() as stack:
        gate = stack.enter_context(
            oidc_gate_serve(directory=directory, env=gate_environment(provider.issuer, **settings))
        )
        front = stack.enter_context(
            recipe(FORMS[form], directory=directory / "nginx", gate_port=gate.port, app_port=application.port)
        )
        browser = stack.enter_context(chromium_browser.chromium({"app.example.com": front.ports[443]}))
        yield House(form, browser, Watch(APP), provider)


def at(*houses: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("house", houses, indirect=True, scope="module")


@at(*FORMS)
def test_in_and_out_at_both_places(house: House) -> None:
    page = house.person()
    reply = page.goto(ASKED)
    if house.form in IN_PLACE:
        assert reply is not None
        assert reply.status == IN_PLACE[house.form]
        assert page.url == ASKED
        expect(page.get_by_role("heading", name="Sign in to Reports")).to_be_visible()
        go_on(page)
    page.wait_for_url(f"{house.provider.issuer}/interaction/*")
    sign_in(page)
    page.wait_for_url(f"{APP}/reports*")
    # The page of ours put "#top" into rd. In the redirect form it is lost where the provider shows a page.
    assert page.url == (ASKED if house.form in IN_PLACE else f"{APP}/reports?month=5")
    expect(page.get_by_text("Hello, alice@example.com.")).to_be_visible()
    expect(page.get_by_text("/reports?month=5")).to_be_visible()

    page.get_by_role("link", name="Sign out").click()
    sign_out_at_provider(page)
    page.wait_for_url(f"{APP}{SIGNED_OUT}?state=*")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.get_by_text("has sent you back from its own sign-out")).to_be_visible()

    page.goto(f"{APP}/reports")
    if house.form in IN_PLACE:
        go_on(page)
    # Anonymous here, and there: the provider asks again.
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    assert house.watch.complaints == []


@at(*FORMS)
def test_a_fragment_survives_where_the_provider_asks_nothing(house: House) -> None:
    page = house.person()
    page.goto(f"{APP}/reports")
    if house.form in IN_PLACE:
        go_on(page)
    sign_in(page)
    page.wait_for_url(f"{APP}/reports")
    page.context.clear_cookies(domain="app.example.com")
    page.goto("about:blank")
    page.goto(ASKED)
    if house.form in IN_PLACE:
        go_on(page)
    page.wait_for_url(ASKED)
    expect(page.get_by_text("Hello, alice@example.com.")).to_be_visible()


@at("auto_sign_in")
def test_the_page_goes_on_by_itself(house: House) -> None:
    page = house.person()
    page.goto(ASKED, wait_until="commit")
    page.wait_for_url(f"{house.provider.issuer}/interaction/*")
    sign_in(page)
    page.wait_for_url(ASKED)
    assert house.watch.complaints == []


@at("form_post")
def test_the_answer_comes_as_a_form(house: House) -> None:
    page = house.person()
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.goto(ASKED)
    go_on(page)
    sign_in(page)
    page.wait_for_url(ASKED)
    assert APP + CALLBACK in posts
    expect(page.get_by_text("Hello, alice@example.com.")).to_be_visible()
    assert house.watch.complaints == []


@at("strict")
def test_a_strict_cookie_is_there_on_the_first_page(house: House) -> None:
    page = house.person()
    answers: list[tuple[str, int]] = []
    page.on("response", lambda reply: answers.append((reply.url.partition("?")[0], reply.status)))
    page.goto(ASKED)
    go_on(page)
    sign_in(page)
    page.wait_for_url(ASKED)
    expect(page.get_by_text("Hello, alice@example.com.")).to_be_visible()
    assert (APP + CALLBACK, 200) in answers  # the page that goes on, in place of a redirect
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(APP)}
    assert cookies["__Host-oidc_gate"]["sameSite"] == "Strict"
    assert house.watch.complaints == []


@at("page")
class TestTheRecommendedForm:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later first"])
    def test_two_tabs_finish_in_any_order(self, house: House, order: tuple[int, int]) -> None:
        first = house.person()
        tabs = [first, house.watch.on(first.context.new_page())]
        for number, tab in enumerate(tabs):
            tab.goto(f"{APP}/reports?tab={number}#top")
            go_on(tab)
            expect(tab.get_by_placeholder("Enter any login")).to_be_visible()
        for number in order:
            sign_in(tabs[number])
            tabs[number].wait_for_url(f"{APP}/reports?tab={number}#top")
            expect(tabs[number].get_by_text("Hello, alice@example.com.")).to_be_visible()
        assert house.watch.complaints == []

    def test_a_link_of_another_site_only_asks(self, house: House) -> None:
        """Every redirect after a form is held against form-action: to the provider, and back to us."""
        page = house.person()
        page.goto(f"{APP}/reports")
        go_on(page)
        sign_in(page)
        page.wait_for_url(f"{APP}/reports")
        page.goto(f"{house.provider.issuer}/.well-known/openid-configuration")
        page.evaluate(f"location.href = '{APP}/oauth2/sign_out'")
        expect(page.get_by_role("heading", name="Sign out?")).to_be_visible()
        assert "__Host-oidc_gate" in {cookie["name"] for cookie in page.context.cookies(APP)}
        page.get_by_role("button", name="Sign out").click()
        sign_out_at_provider(page)
        page.wait_for_url(f"{APP}{SIGNED_OUT}?state=*")
        expect(page.get_by_text("has sent you back from its own sign-out")).to_be_visible()
        assert "__Host-oidc_gate" not in {cookie["name"] for cookie in page.context.cookies(APP)}
        assert house.watch.complaints == []

    def test_with_the_keyboard_alone(self, house: House) -> None:
        page = house.person()
        page.goto(ASKED)
        tab_to(page, "Sign in with Example ID")
        page.keyboard.press("Enter")
        expect(page.get_by_placeholder("Enter any login")).to_be_focused()
        page.keyboard.type("alice")
        page.keyboard.press("Tab")
        page.keyboard.type("secret")
        page.keyboard.press("Enter")
        page.wait_for_url(ASKED)
        tab_to(page, "Sign out")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/session/end"))
        tab_to(page, "Yes, sign me out")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{APP}{SIGNED_OUT}?state=*")
        tab_to(page, "Sign in again")
        assert house.watch.complaints == []

    def test_what_a_screen_reader_is_told_and_how_it_looks(self, house: House, screens: Screens) -> None:
        page = house.person()
        page.goto(ASKED)
        assert page.locator("body").aria_snapshot() == SIGN_IN_PAGE
        assert page.title() == "Sign in to Reports"
        assert page.locator("html").get_attribute("lang") == "en"
        for name, url in (
            ("sign-in", ASKED),
            ("error", f"{APP}{CALLBACK}?error=access_denied&state=forged"),
            ("signed-out", APP + SIGNED_OUT),
        ):
            page.goto(url)
            for kind, width, height in (("desktop", 1280, 800), ("phone", 390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                for scheme in SCHEMES:
                    # at once, or the picture shows the button on its way from one colour to the other
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    screens.keep(page, f"{name}-{kind}-{scheme}")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert house.watch.complaints == []
