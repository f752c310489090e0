"""Where to go after sign-in: what is ours, what survives, what is refused."""

from __future__ import annotations

import pytest

from oidc_gate.request import return_to
from oidc_gate.request.forwarded import Site
from oidc_gate.request.return_to import MAX_TARGET_LENGTH, own_address, raw_rd, safe_target, unchecked_target
from tests.core.request.making import own_target, request, requested_target, settings, top

SITE = Site("https", "app.example.com", "")
PLAIN = Site("http", "app.example.com:8080", "")
BASE = Site("https", "app.example.com", "/base")
ALLOWING = settings(
    allowed_redirect_hosts=("www.example.org", "*.example.net", "odd.example.org:8443", "app.example.com")
)
STRICT = settings()


@pytest.mark.parametrize(
    "target",
    [
        "/", "/a", "/a/", "/a//b", "/a?next=//x", "/http://x", "/https://x/y@z", "/a?b=https://c",
        "/users/@me", "/a:b", "/a;b=c", "/a%20b", "/a%2Fb", "/%2f%2fexample.com", "/%5cexample.com",
        "/%09/example.com", "/a%00", "/a?b c".replace(" ", "+"), "/a#top", "/a?b#c?d", "/a/./b", "/a/../b",
        "/a/..", "/...", "/a/...//b", "/oauth2x", "/oauth", "/x/oauth2/y", "/a?/oauth2/", "/a#/oauth2/",
        "/<\"'>|^`{}", "/a?next=/..//x", "/./a", "/../a", "/a/./", "/%FF", "/a/../b/./../c", "/a?b?c#d#e",
    ],
)  # fmt: skip
def test_ordinary_paths_survive_byte_for_byte(target: str) -> None:
    assert safe_target(target, SITE, STRICT) == target
    assert safe_target(SITE.origin + target, SITE, STRICT) == target


@pytest.mark.parametrize(
    "target",
    [
        # no path of ours
        "", "a", "?a", "#a", "*", ".", "..", "./a", "evil.example", "javascript:alert(1)", "data:text/html,x",
        "mailto:a@b",
        # scheme-relative, as it stands or after a browser's clean-up
        "//evil.example", "///evil.example", "////", "//", "/.//evil.example", "/..//evil.example",
        "/a/..//evil.example", "/././/evil", "/%2e//evil.example", "/%2E%2e//evil.example", "/.%2e//evil",
        "/a/%2e%2e//evil", "//..", "//a/..", "//.", "/a/..//.", "/a/..//b/..", "/a/..//%2E",
        # what a browser mends
        "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/a\\b", "/\t/evil.example",
        "/\n/evil.example", "/\r/evil", "\t//evil", " //evil.example", " /a", "/a ", "/a b", "/a\x00",
        "/a\x7f", "/a\x1f", "\x0b/a", "/a?b c", "/a#b\tc", "https:evil.example", "https:/evil.example",
        "https:///evil.example", "https:\\\\evil.example", "ht\ttps://evil.example",
        # elsewhere
        "https://evil.example", "https://evil.example/", "https://app.example.com.evil.example",
        "https://evilapp.example.com", "https://xapp.example.com", "https://app.example.com:8443/",
        "https://app.example.com:80/", "http://app.example.com/", "http://app.example.com:443/",
        "https://app.example.com./", "ftp://app.example.com/", "wss://app.example.com/",
        "https://app.example.com%2eevil.example/", "https://evil.example%2f.app.example.com/",
        "https://app.example.com:443:443/", "https://app.example.com:/", "https://app.example.com:0443/",
        "https://[::1]/", "https://0x7f.1/",
        # userinfo
        "https://app.example.com@evil.example/", "https://evil@app.example.com/",
        "https://:@app.example.com/", "https://@app.example.com", "https://a:b@app.example.com/",
        "https://evil.example\\@app.example.com/", "https://:@evil.example\\@app.example.com",
        # absolute, ours, and then not
        "https://app.example.com//evil.example", "https://app.example.com/.//evil",
        "https://app.example.com\\evil", "https://app.example.com/\\evil",
        "https://app.example.com/oauth2/start",
        # look-alikes beyond ASCII
        "https://\uff41pp.example.com/", "https://app\u3002example.com/", "http\u017f://app.example.com/",
        "https://app.example.com\u00ad/", "\uff0f/evil.example", "\u2028/a",
        "https://app.example.com\uff0f@evil.example",
    ],
)  # fmt: skip
def test_refused(target: str) -> None:
    assert safe_target(target, SITE, STRICT) is None


@pytest.mark.parametrize(
    "target",
    [
        "/oauth2", "/oauth2/", "/oauth2/start", "/oauth2?x", "/oauth2#x", "/OAuth2/sign_out",
        "/%6fauth2/sign_out", "/oauth2%2fstart", "/a/../oauth2/x", "/a/%2e%2e/oauth2/x", "/a/..%2foauth2/x",
        "/a/..%2Foauth2", "/./oauth2", "/a/..%5coauth2", "/oauth2//x",
        "/oauth2//../x", "/oauth2/x/..//y", "/a//../oauth2/x",
        "/a//..//..//oauth2/x", "/oauth2/../oauth2/start",
    ],
)  # fmt: skip
def test_the_gates_own_pages_are_no_target(target: str) -> None:
    assert safe_target(target, SITE, STRICT) is None
    assert safe_target("/base" + target, BASE, STRICT) is None


def test_prefix_of_another_name() -> None:
    other = settings(prefix="/gate/Auth")
    assert safe_target("/gate/auth/start", SITE, other) is None
    assert safe_target("/oauth2/start", SITE, other) == "/oauth2/start"
    assert safe_target("/matriX/start", SITE, settings(prefix="/matriX")) is None
    assert safe_target("/matri/start", SITE, settings(prefix="/matriX")) == "/matri/start"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://app.example.com", "/"),
        ("https://app.example.com?a", "/?a"),
        ("https://app.example.com#a", "/#a"),
        ("HTTPS://APP.example.com:443/A", "/A"),
        ("/caf\u00e9?\u00fc#\u00df", "/caf%C3%A9?%C3%BC#%C3%9F"),
        ("/caf\udce9", "/caf%E9"),
        ("/\u3000", "/%E3%80%80"),
        ("/a?b=\\c\\&d#\\e", "/a?b=%5Cc%5C&d#%5Ce"),
    ],
)
def test_normal_forms(target: str, expected: str) -> None:
    assert safe_target(target, SITE, STRICT) == expected


def test_plain_http_site() -> None:
    assert safe_target("http://app.example.com:8080/a", PLAIN, STRICT) == "/a"
    assert safe_target("http://app.example.com/a", PLAIN, STRICT) is None
    assert safe_target("https://app.example.com:8080/a", PLAIN, STRICT) is None


def test_without_a_known_host_nothing_absolute_is_ours() -> None:
    assert safe_target("https:///a", Site("https", "", ""), STRICT) is None
    assert safe_target("https://app.example.com/a", Site("https", "", ""), STRICT) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://www.example.org", "https://www.example.org/"),
        ("https://WWW.example.org:443/A?b#c", "https://www.example.org/A?b#c"),
        ("http://www.example.org/a", "http://www.example.org/a"),
        ("http://www.example.org:80/a", "http://www.example.org/a"),
        ("https://a.example.net/x", "https://a.example.net/x"),
        ("https://a.b.example.net/x", "https://a.b.example.net/x"),
        ("https://odd.example.org:8443/x", "https://odd.example.org:8443/x"),
        *[
            (bad, None)
            for bad in (
                "https://www.example.org:8443/", "http://www.example.org:443/", "https://example.org/",
                "https://a.www.example.org/", "https://example.net/", "https://badexample.net/",
                "https://.example.net/", "https://a..example.net/", "https://a.example.net.evil.example/",
                "https://a.example.net:8443/", "https://odd.example.org/", "https://u@www.example.org/",
                "https://www.example.org//x", "https://www.example.org/.//x", "https://www.example.org\\x",
                "//www.example.org/", "https://www.example.org/oauth2/start", "http://app.example.com/",
                "https://evil.example/a.example.net", "https://*.example.net/",
            )
        ],
    ],
)  # fmt: skip
def test_allowed_redirect_hosts(target: str, expected: str | None) -> None:
    """CVE-2021-21291, vouch #335: the dot is the boundary, and nothing is a substring."""
    assert safe_target(target, SITE, ALLOWING) == expected


def test_the_sites_own_host_on_another_port() -> None:
    """It must be listed, and a site with https is never left for http on its own host."""
    given = settings(allowed_redirect_hosts=("app.example.com:8443", "app.example.com"))
    assert safe_target("https://app.example.com:8443/a", SITE, given) == "https://app.example.com:8443/a"
    assert safe_target("http://app.example.com:8443/a", SITE, given) is None
    assert safe_target("http://app.example.com/a", SITE, given) is None
    assert safe_target("http://app.example.com/a", PLAIN, given) == "http://app.example.com/a"
    assert safe_target("https://app.example.com/a", PLAIN, given) == "https://app.example.com/a"


def test_a_malformed_rule_admits_nothing() -> None:
    """Settings refuse it; were one to slip through, every host with a dot at its end would be below ``*.``."""
    assert not return_to._admits("*.", "evil.example.", "https")
    assert not return_to._admits("", "", "https")


def test_length_is_that_of_what_stands_in_location() -> None:
    longest = "/" + "a" * (MAX_TARGET_LENGTH - 1)
    assert safe_target(longest, SITE, STRICT) == longest
    assert safe_target(longest + "a", SITE, STRICT) is None
    assert safe_target("/" + "\u00e9" * 11_000, SITE, STRICT) is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("a=b", None),
        ("xrd=/a", None),
        ("a=rd=/a", None),
        ("rd=", ""),
        ("rd=/a", "/a"),
        ("x=1&rd=/a&y=2", "/a"),
        ("rd=%2Fa%3Fb%3D1%26c%3D2&x", "/a?b=1&c=2"),
        ("rd=%252Fa", "%2Fa"),
        ("rd=/a?b=1&c=2", "/a?b=1&c=2"),
        ("rd=/a%20b?c=%2F&d", "/a%20b?c=%2F&d"),
        ("rd=/a&x=?", "/a"),
        ("rd=/a+b", "/a+b"),
        ("rd=/caf%C3%A9", "/caf\u00e9"),
        ("rd=/caf\xc3\xa9", "/caf\u00e9"),
        ("rd=/%E9%", "/\udce9%"),
        ("rd=/first&rd=/second", "/first"),
        ("rd=/\u20ac", "/\u20ac"),
        ("rd=/\u20ac\ud800", "/\u20ac\udced\udca0\udc80"),
    ],
)
def test_raw_rd(query: str, expected: str | None) -> None:
    assert raw_rd(query) == expected


def wanted(query: str = "", header: str = "", default: str | None = None, site: Site = SITE) -> str:
    headers = {"x-auth-request-redirect": header} if header else {}
    return requested_target(request(query=query, headers=headers), site, STRICT, default)


def test_order_of_what_was_asked_for() -> None:
    assert wanted("rd=/rd", "/header", "/default") == "/rd"
    assert wanted("rd=", "/header?a=1&b=2", "/default") == "/header?a=1&b=2"
    assert wanted("", "", "/default") == "/default"
    assert wanted() == "/"
    assert wanted(site=BASE) == top(BASE) == "/base/"


def test_what_is_refused_becomes_the_top_and_not_the_next_choice() -> None:
    assert wanted("rd=//evil.example", "/header", "/default") == "/"
    assert wanted("", "//evil.example", "/default") == "/"
    assert wanted("", "", "//evil.example") == "/"
    assert wanted("rd=//evil.example", site=BASE) == "/base/"
    assert wanted("rd=/oauth2/sign_out") == "/"


def test_elsewhere_on_our_own_origin_is_fine() -> None:
    assert wanted("rd=/other", site=BASE) == "/other"


def test_header_is_taken_as_it_is() -> None:
    assert wanted(header="/a%20b?c=%2F%2f") == "/a%20b?c=%2F%2f"
    assert wanted(header="/caf\xc3\xa9") == "/caf%C3%A9"
    assert wanted(header="/%5cevil.example") == "/%5cevil.example"


@pytest.mark.parametrize(
    ("raw_path", "query", "site", "expected"),
    [
        ("/a%20b", "c=%2F", SITE, "/a%20b?c=%2F"),
        ("/caf%C3%A9", "", SITE, "/caf%C3%A9"),
        ("/a", "caf\xc3\xa9", SITE, "/a?caf%C3%A9"),
        ("/a", "", BASE, "/base/a"),
        ("", "", BASE, "/base"),
        ("", "", SITE, "/"),
        ("//evil.example", "", SITE, "/"),
        ("//a", "", BASE, "/base//a"),
        ("/oauth2/start", "", SITE, "/"),
        ("/oauth2/start", "", BASE, "/base/"),
        ("/" + "a" * 70_000, "", BASE, "/base/"),
    ],
)
def test_own_target(raw_path: str, query: str, site: Site, expected: str) -> None:
    """The proxy may have taken the mount off: the one that the browser knows is put in front."""
    asked = request(mount="/inside", path="/a", raw_path=raw_path, query=query)
    assert own_target(asked, site, STRICT) == expected


def test_not_yet_judged() -> None:
    assert own_address(request(raw_path="//caf\xc3\xa9", query="x=1"), BASE) == "/base//caf\u00e9?x=1"
    assert unchecked_target(request(query="rd=//evil.example")) == "//evil.example"
    assert unchecked_target(request(headers={"x-auth-request-redirect": "/caf\xc3\xa9"})) == "/caf\u00e9"
    assert unchecked_target(request()) == ""
