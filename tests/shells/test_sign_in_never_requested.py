"""Nginx without ``error_page``: users see its own 401 page, and the log at its default level says what to write."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.shells.site import FETCH, NAVIGATION, Site

DOCS = Path(__file__).parents[2] / "docs"
PROBE = {"Accept": "*/*", "User-Agent": "kube-probe/1.30"}
OLD_BROWSER = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0"}


def ask(site: Site, headers: dict[str, str], times: int) -> None:
    for _ in range(times):
        assert site.visitor().ask("auth", headers).status == 401


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]


@pytest.mark.parametrize("headers", [NAVIGATION, OLD_BROWSER], ids=["new", "old"])
def test_one_warning_with_the_line_to_write(
    site: Site, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    ask(site, headers, 19)
    assert warnings(caplog) == []
    ask(site, headers, 60)
    [line] = warnings(caplog)
    assert ": 401: sign_in_unreachable: 20 page loads got 401" in line
    assert f"Fix: write `error_page 401 = {site.path('sign_in')};`" in line
    assert f"proxy the location {site.path('')} to this gate" in line
    if site.path("") == "/oauth2/":
        assert line.partition(": 401: ")[2] in (DOCS / "troubleshooting.md").read_text()


@pytest.mark.parametrize(
    ("headers", "endpoint"),
    [
        (FETCH, "auth"),
        (PROBE, "auth"),
        ({}, "auth"),
        (NAVIGATION | {"Sec-Purpose": "prefetch"}, "auth"),
        (NAVIGATION | {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, "auth"),
        (NAVIGATION | {"X-Auth-Request-Method": "POST"}, "auth"),
        (NAVIGATION | {"Cookie": "__Host-oidc_gate=old"}, "auth"),
        (NAVIGATION, "forward"),  # redirects by itself
        (NAVIGATION, "userinfo"),
    ],
)
def test_what_is_no_page_load_of_a_proxy_does_not_count(
    site: Site, caplog: pytest.LogCaptureFixture, headers: dict[str, str], endpoint: str
) -> None:
    for _ in range(60):
        site.visitor().ask(endpoint, headers)
    assert warnings(caplog) == []


@pytest.mark.parametrize("endpoint", ["sign_in", "start"])
def test_no_warning_where_the_sign_in_is_reached(
    site: Site, caplog: pytest.LogCaptureFixture, endpoint: str
) -> None:
    ask(site, NAVIGATION, 5)
    site.visitor().ask(endpoint, NAVIGATION)
    ask(site, NAVIGATION, 60)
    assert warnings(caplog) == []
