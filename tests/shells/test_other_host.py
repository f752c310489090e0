"""A sign-in that begins on another host than that of `public_url`: the browser is sent to `public_url` first."""

from __future__ import annotations

import logging

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer, Upload
from tests.shells.provider import ISSUER
from tests.shells.site import HOST, NAVIGATION, ORIGIN, Site


def start(site: Site, host: str, query: str) -> Answer:
    target = f"{site.path('start')}?{query}"
    return site.send("GET", target, [("Host", host), *NAVIGATION.items()], Upload(b""))


@pytest.mark.parametrize("host", ["127.0.0.1:8000", f"www.{HOST}", f"{HOST}:8443"])
@pytest.mark.parametrize("prompt", ["", "prompt=select_account&"])
def test_the_browser_is_sent_to_public_url_once(
    make_site: MakeSite, host: str, prompt: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = make_site()
    site = make_site(public_url=ORIGIN + site.shell.mount)
    answer = start(site, host, f"{prompt}rd={site.own('/reports')}")
    assert (answer.status, answer.all("set-cookie")) == (302, [])
    there = answer.header("location")
    assert there == f"{ORIGIN}{site.path('start')}?moved=1&{prompt}rd={site.own('/reports')}"
    assert "moved_to_public_url" in caplog.text
    assert site.visitor().navigate(there).header("location").startswith(ISSUER)
    # A proxy that replaces Host gets no loop.
    assert start(site, host, there.partition("?")[2]).header("location").startswith(ISSUER)


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:443", "wiki.example.com"])
def test_a_host_of_the_settings_starts_at_once(make_site: MakeSite, host: str) -> None:
    site = make_site()
    site = make_site(public_url=ORIGIN + site.shell.mount, allowed_redirect_hosts=("wiki.example.com",))
    assert start(site, host, "rd=/").header("location").startswith(ISSUER)


def test_without_public_url_every_host_starts_its_own(make_site: MakeSite) -> None:
    assert start(make_site(), "127.0.0.1:8000", "rd=/").header("location").startswith(ISSUER)
