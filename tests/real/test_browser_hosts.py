"""The table of hosts is what a real browser makes of them."""

from __future__ import annotations

import pytest

from tests.core.syntax.browser_hosts import ROWS
from tests.real.browser import chromium, open_page

pytestmark = pytest.mark.real

READ = """hosts => hosts.map(host => {
    try { return new URL(`https://${host}/`).hostname } catch { return "" }
})"""


def test_chromium_reads_every_host_that_the_gate_takes_as_the_gate_does() -> None:
    with chromium() as browser:
        read = open_page(browser).evaluate(READ, [host for host, _, _ in ROWS])
    for (host, standard, ours), found in zip(ROWS, read, strict=True):
        assert ours in ("", found), host
        # Chromium does not decode what is ASCII already: it takes any xn-- label.
        assert found == standard or ("xn--" in host.lower() and found == host.lower()), host
