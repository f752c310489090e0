"""Nobody is sent away.

CVE-2020-5233, CVE-2020-11053, CVE-2020-4037, CVE-2022-23527, CVE-2021-32786, flask-oidc 2.4.
Judged by a real WHATWG URL parser, as a browser would read the ``Location`` that we would send.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import Phase, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from oidc_gate.request.forwarded import Site
from tests.core.request.making import request, requested_target, settings
from tests.security.browser import Browser, Place

ALLOWED = "www.whitelisteddomain.tld"
SITES = (
    Site("https", "app.example.com", ""),
    Site("http", "app.example.com:8080", ""),
    Site("https", "app.example.com", "/base"),
)
SETTINGS = settings(allowed_redirect_hosts=(ALLOWED, "*.below.tld"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    running = Browser(node)
    yield running
    running.close()


def locations(attack: str, site: Site) -> list[str]:
    """Return what `attack` makes of us in each place where it can stand."""
    queries = [f"rd={quote(attack, safe='', errors='surrogatepass')}", f"rd={attack}", f"rd={attack}?"]
    asked = [request(query=query) for query in queries]
    asked.append(request(headers={"x-auth-request-redirect": attack}))
    return [requested_target(one, site, SETTINGS) for one in asked]


def stays(place: Place | None, site: Site) -> bool:
    """Tell whether a browser ends on our own origin or on an allowed host, and not under our prefix."""
    if place is None or place.username or place.pathname.startswith("//"):
        return False
    read = unquote(place.pathname).lower()
    if any(read == ours or read.startswith(ours + "/") for ours in ("/oauth2", site.mount + "/oauth2")):
        return False
    if f"{place.protocol}//{place.host}" == site.origin:
        return True
    return place.protocol in ("http:", "https:") and (
        place.host == ALLOWED or place.host.endswith(".below.tld")
    )


def check(browser: Browser, attacks: list[str]) -> None:
    for site in SITES:
        sent = [(attack, location) for attack in attacks for location in locations(attack, site)]
        places = browser.follow([location for _, location in sent], site.url("/oauth2/callback"))
        # None: no URL (`https://xn--.below.tld/`), so the browser stays where it is
        gone = [
            (*pair, place)
            for pair, place in zip(sent, places, strict=True)
            if place and not stays(place, site)
        ]
        assert not gone, gone[:5]


def test_judge_sees_what_leaves(browser: Browser) -> None:
    """The judge itself: were it blind, the tests below would prove nothing."""
    leaving = [
        "//evil.example", "/\\evil.example", "/\t/evil.example", "\thttps://evil.example",
        "https:evil.example", "///evil.example", "https:/\\evil.example",
        "https://app.example.com@evil.example", "https://below.tld", "http://app.example.com/",
        "javascript:alert(1)", "https://app\u3002example.com.evil.example", "/.//evil.example", "/oauth2/x",
        "/a/%2e%2e/oauth2/x",
    ]  # fmt: skip
    site = SITES[0]
    for location, place in zip(leaving, browser.follow(leaving, site.url("/oauth2/callback")), strict=True):
        assert not stays(place, site), (location, place)
    staying = ["/", "/a?next=//x", "https://www.whitelisteddomain.tld/x", "http://a.below.tld/", "/http://x"]
    assert all(stays(place, site) for place in browser.follow(staying, site.url("/oauth2/callback")))


def test_published_attacks(browser: Browser) -> None:
    """Every line of the list, as it is and decoded once, as `rd` and as header."""
    path = os.environ.get("OIDC_GATE_TEST_REDIRECTS")
    if not path:
        pytest.skip("OIDC_GATE_TEST_REDIRECTS names no list of attacks")
    lines = [line for line in Path(path).read_text("utf-8", "surrogateescape").split("\n") if line]
    assert len(lines) > 500
    check(browser, lines + [unquote(line) for line in lines])


PIECES = [
    "/", "//", "/", "\\", "\t", "\n", "\r", " ", "\x00", "\x0b", "\x7f", "\x85", "\u00a0", "\u00ad", "\u200b",
    "\u2028", "\ufeff", "\uff0f", "\uff3c", "\u3002", "\uff0e", "\uff20", "\u2100", "\udc80", "%09", "%0a",
    "%00", "%20", "%2f", "%2F", "%5c", "%2e", "%2E", "%40", "%23", "%3f", "%25", "%252f", "%255c", "%",
    "%u2215", "%c0%af", ".", "..", "...", "/./", "/../", "@", ":", ":@", ";", "?", "#", "&", "=", "&rd=",
    "http:", "https:", "http://", "https://", "HTTPS://", "hTtP:/", "http:///", "ftp://", "javascript:",
    "data:", "blob:", "file://", "view-source:", "evil.example", "evil.example%2f", "app.example.com",
    "APP.EXAMPLE.COM", "app.example.com.", "app.example.com:8080", "app.example.com:443", ":443", ":80",
    ":8443", ":0", ":99999",
    ALLOWED, "." + ALLOWED, ALLOWED + ".", "below.tld", ".below.tld", "*.below.tld", "a.below.tld", "xbelow.tld",
    "[::1]",
    "[::ffff:1.2.3.4]", "0x7f.1", "127.1", "2130706433", "xn--", "xn--a", "\u24d4vil.example", "\u017f",
    "\u212a", "a", "x=1", "oauth2", "OAuth2", "%6fauth2", "base", "start", "next=//x", "1",
]  # fmt: skip
# Few pieces, so that the short combinations that matter come up in every run.
SLASHES = [
    "/",
    "/",
    "\\",
    "\t",
    "\n",
    " ",
    ".",
    "..",
    "%2e",
    "%2f",
    "%5c",
    "@",
    "evil.example",
    "oauth2",
    "x",
]
SCHEMES = ["", "http:", "https:", "HTTPS:", "ht\ttps:", " https:"]
STARTS = ["//", "//", "/", "///", "\\\\", "/\\", "/\t/", ""]
USERS = ["", "", "", "@", ":@", "u:p@", "app.example.com@", "app.example.com:443@", "evil.example\\@"]
HOSTS = ["evil.example", "app.example.com", ALLOWED, "a.below.tld", "below.tld", "xbelow.tld", "x" + ALLOWED]
ENDS = [
    "",
    "",
    ":80",
    ":443",
    ":8443",
    ".",
    ".evil.example",
    "%2eevil.example",
    "@evil.example",
    "\\@evil.example",
]
TAILS = ["", "/", "/x", "//x", "/.//x", "/oauth2/start", "?x", "#x", "\\x"]

ATTACKS = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
    | st.lists(st.sampled_from(SLASHES), min_size=2, max_size=6).map("".join)
    | st.tuples(*map(st.sampled_from, (SCHEMES, STARTS, USERS, HOSTS, ENDS, TAILS))).map("".join)
    | st.text(max_size=12).map("/".__add__)
)


# not shrunk: the message shows what got through, and shrinking takes longer than a test may
@budget(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(attacks=st.lists(ATTACKS, min_size=20, max_size=60))
def test_made_up_attacks(browser: Browser, attacks: list[str]) -> None:
    check(browser, attacks)


# Latin letters, digits and what RFC 3986 lets stand in a path or query.
CHARACTERS = "abcXYZ019-._~!$&'()*+,;=:@%/?"
ORDINARY = st.text(CHARACTERS, min_size=1, max_size=30).map("/p".__add__)


@budget(max_examples=150, deadline=None)
@given(target=ORDINARY)
def test_ordinary_targets_survive(browser: Browser, target: str) -> None:
    """A path that a browser leaves on our host comes back as it went in, unless it is cleaned to `//`."""
    site = SITES[0]
    (place,) = browser.follow([target], site.url("/"))
    sent = requested_target(request(headers={"x-auth-request-redirect": target}), site, SETTINGS)
    assert place is not None
    assert sent == (target if stays(place, site) else "/")
    (arrived,) = browser.follow([sent], site.url("/"))
    assert not stays(place, site) or arrived == place
