"""oidc_gate, 2026-11: hosts that browsers do not take, in a target to return to and in the settings.

``https://xn--.ours.tld/`` matched ``*.ours.tld``, and the browser that was sent there showed an error of its own.
"""

from __future__ import annotations

import shutil
from typing import Any
from urllib.parse import quote

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings
from tests.core.settings.cases import GOOD
from tests.core.syntax.browser_hosts import READ_BY_SOME_PARSERS, ROWS
from tests.security.browser import Browser
from tests.security.conftest import MakeSite
from tests.shells import driving
from tests.shells.site import NAVIGATION

BELOW = [(name, read) for host, _, read in ROWS if host.endswith(".example") for name in (host[:-8],)]


def test_the_table_is_what_the_standard_says() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    asked = [row for row in ROWS if row[0] not in READ_BY_SOME_PARSERS]
    browser = Browser(node)
    places = browser.follow([f"https://{host}/" for host, _, _ in asked], "https://app.example.com/")
    browser.close()
    assert [place.host if place else "" for place in places] == [standard for _, standard, _ in asked]


@pytest.mark.parametrize(("name", "read"), BELOW)
def test_a_redirect_host_that_no_browser_can_parse(make_site: MakeSite, name: str, read: str) -> None:
    site = make_site(allowed_redirect_hosts=("*.below.tld",))
    target = f"https://{name}.below.tld/x"
    page = site.visitor().navigate(f"{site.path('sign_in')}?rd={quote(target, safe='')}")
    expected = f"https://{read.removesuffix('.example')}.below.tld/x" if read else "/"
    assert site.rd(site.start_link(page)) == expected


@pytest.mark.parametrize("host", ["xn--.example", "a.1", "127.1", "0x7f.1", "1.2.3.4.", "xn--a.example"])
def test_a_host_header_that_no_browser_sends(make_site: MakeSite, host: str) -> None:
    visitor = make_site().visitor()
    pairs = [("Host", host), *NAVIGATION.items()]
    answer = visitor.site.send("GET", visitor.site.path("sign_in"), pairs, driving.Upload())
    assert (answer.status, "host_invalid" in answer.text) == (400, True)


HOSTS = ["xn--.example", "xn--a.example.com", "app.1", "1.2.3", "0x7f.1", "256.1.1.1"]
PLACES = {
    "issuer": ("https://{}", "url_host"),
    "public_url": ("https://{}/base", "url_host"),
    "allowed_origins": ("https://{}", "url_host"),
    "allowed_redirect_hosts": ("{}", "host_malformed"),
    "cookie_domain": ("{}", "cookie_domain_malformed"),
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("setting", list(PLACES))
def test_a_setting_with_a_host_that_no_browser_can_parse(setting: str, host: str) -> None:
    written, code = PLACES[setting]
    given: Any = GOOD | {setting: written.format(host)}
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ={}, **given)
    assert [(problem.setting, problem.code) for problem in caught.value.problems] == [(setting, code)]


COOKIE_DOMAINS = {
    "localhost": "write a domain such as example.com, or do not set it",
    "intranet": "write a domain such as example.com, or do not set it",
    "com": "write a domain such as example.com, or do not set it",
    "10.0.0.1": "write a domain such as example.com, or do not set it",
    "[::1]": "write a domain such as example.com, or do not set it",
    "::1": "write a domain such as example.com, or do not set it",
    "1.2": "write a domain such as example.com, or do not set it",
    "0x7f.1": "write a domain such as example.com, or do not set it",
    "example.1": "write a domain such as example.com, or do not set it",
    "xn--.example.com": "write a domain such as example.com, or do not set it",
    "example.com.": "write example.com",
    ".example.com": "write example.com",
    "*.example.com": "write example.com",
    "https://example.com/x": "write example.com",
    "example.com:8443": "write example.com",
    "B\u00fccher.example.": "write B\u00fccher.example",
    "a..example.com": "write a domain such as example.com, or do not set it",
}


@pytest.mark.parametrize(("domain", "fix"), COOKIE_DOMAINS.items())
def test_a_cookie_domain_for_which_browsers_keep_no_cookie(domain: str, fix: str) -> None:
    given: Any = GOOD | {"cookie_domain": domain}
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ={}, **given)
    (problem,) = caught.value.problems
    assert (problem.setting, problem.code) == ("cookie_domain", "cookie_domain_malformed")
    assert f"Fix: {fix}." in str(problem)


@pytest.mark.parametrize(
    ("domain", "normal"),
    [("Example.COM", "example.com"), ("b\u00fccher.example", "xn--bcher-kva.example"), ("co.uk", "co.uk")],
)
def test_a_cookie_domain_that_may_be_one(domain: str, normal: str) -> None:
    given: Any = GOOD | {"cookie_domain": domain}
    assert Settings.load(environ={}, **given).cookie_domain == normal
