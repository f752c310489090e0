"""What every test with real parts gets: the mark, the browser, and the servers' logs when it fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.real import browser as chromium_browser
from tests.real.browser import Screens
from tests.real.process import recent

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.real)


def pytest_runtest_setup() -> None:
    recent[:] = [server for server in recent if not server.ended]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [
            (f"log of {server.name}, port {server.port}", server.log_tail()) for server in recent
        ]
    return report


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Give a Chromium of this test's own; `open_page` makes further people in it."""
    with chromium_browser.chromium() as running_browser:
        yield running_browser


@pytest.fixture
def page(browser: Browser) -> Page:
    """Give a page with an empty cookie jar."""
    return chromium_browser.open_page(browser)


@pytest.fixture
def screens(request: pytest.FixtureRequest) -> Screens:
    """Keep pictures under artifacts/screens, named after the test."""
    return Screens(request.node.name)
