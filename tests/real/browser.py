"""A real Chromium, driven by Playwright, that reaches nothing but loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.real.components import need
from tests.real.process import REPOSITORY

SCREENS = REPOSITORY / "artifacts/screens"
STEP_MILLISECONDS = 60_000
expect.set_options(timeout=STEP_MILLISECONDS)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The provider's pages import a web font, and Chromium itself likes to telephone.
LOOPBACK_ONLY = "MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE *.localhost , EXCLUDE 127.0.0.1"


@contextmanager
def chromium(
    names: Mapping[str, int] | None = None,
    *,
    takes_any_certificate: bool = False,
    has_bfcache: bool = False,
) -> Iterator[Browser]:
    """Run Chromium until the block ends.

    Args:
        names: from `app.example.com` to the port of 127.0.0.1 where its https is served, as if port 443.
        has_bfcache: whether "Back" may show a page as it was left, which Playwright turns off.
        takes_any_certificate: also for service workers, for which `open_page` cannot ask.

    One for each test, on purpose: while Playwright's sync API runs, its event loop counts as running in
    this thread, and an `asyncio.run` of another test would refuse to start. It costs about 0.7 s.
    """
    (path,) = need("chromium")
    with sync_playwright() as playwright:
        mapped = [f"MAP {name}:443 127.0.0.1:{port}" for name, port in (names or {}).items()]
        rules = "--host-resolver-rules=" + " , ".join([*mapped, LOOPBACK_ONLY])
        more = ["--ignore-certificate-errors"] if takes_any_certificate else []
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[*FLAGS, *more, rules],
            ignore_default_args=["--disable-back-forward-cache"] if has_bfcache else None,
        )
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, *, ignore_https_errors: bool = False) -> Page:
    """Open a page in a fresh context: a person with an empty cookie jar."""
    context = browser.new_context(
        ignore_https_errors=ignore_https_errors,
        viewport={"width": 1000, "height": 700},
        locale="en-GB",
    )
    context.set_default_timeout(STEP_MILLISECONDS)
    return context.new_page()


@dataclass(frozen=True)
class Screens:
    """Keeps pictures of pages under artifacts/screens, which git ignores.

    Attributes:
        prefix: the test's name, so that tests do not write over each other.
    """

    prefix: str

    def keep(self, page: Page, name: str) -> Path:
        """Take a picture of the whole page and return its file."""
        path = SCREENS / (re.sub(r"[^\w.-]+", "_", f"{self.prefix}-{name}") + ".png")
        page.screenshot(path=path, full_page=True)
        return path
