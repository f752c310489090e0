"""What a person does in the browser at our own pages, and what the browser complained about meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.real.browser import open_page

TABS = 25


@dataclass
class Watch:
    """Collects what a browser complains about on pages below one URL; what the provider does is its own affair."""

    url: str
    complaints: list[str] = field(default_factory=list)

    def on(self, page: Page) -> Page:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        ours = place.startswith(self.url) or self.url in message.text
        # Chromium reports the status of the page itself, which is 401 on purpose.
        expected = re.search(r"Failed to load resource: .* status of (401|403|400|503)", message.text)
        if message.type in ("error", "warning") and ours and not expected:
            self.complaints.append(f"{place}: {message.text}")


def new_person(browser: Browser, watch: Watch) -> Page:
    """Open a page in a fresh context; certificates are self-signed here."""
    return watch.on(open_page(browser, ignore_https_errors=True))


def go_on(page: Page) -> None:
    """Follow the sign-in page's link."""
    page.get_by_role("link", name=re.compile("^Sign in")).first.click()


def sign_out_at_provider(page: Page) -> None:
    """Say yes to the npm provider's question."""
    page.get_by_role("button", name="Yes, sign me out").click()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.matches('a, button, input') && document.activeElement.textContent"
        )
        if focused and name in focused:
            return
    raise AssertionError(f"Tab never came to {name!r}")
