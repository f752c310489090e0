"""Where a browser reaches us: whose word counts, and what a host may look like."""

from __future__ import annotations

import pytest

from oidc_gate.model import Headers, Request
from oidc_gate.request.forwarded import (
    OriginalTarget,
    Site,
    TrustedProxies,
    browser_host,
    client_address,
    client_queries,
    original_target,
    site_of,
    trusts,
)
from tests.core.request.making import request, settings

NEAR = "10.0.0.1"
TRUSTED = TrustedProxies(["10.0.0.0/8", "::1", "unix"])


def site(headers: dict[str, str] | list[tuple[str, str]], *, peer: str = NEAR, mount: str = "") -> Site:
    return site_of(request(headers=headers, peer=peer, mount=mount), settings(), TRUSTED)


def test_public_url_wins_over_everything() -> None:
    asked = request(
        headers={"host": "evil.example", "x-forwarded-host": "evil.example"}, mount="/inner", peer=NEAR
    )
    found = site_of(asked, settings(public_url="https://app.example.com:8443/base"), TRUSTED)
    assert found == Site("https", "app.example.com:8443", "/base")
    assert found.origin == "https://app.example.com:8443"
    assert found.url("/oauth2/callback") == "https://app.example.com:8443/base/oauth2/callback"


def test_public_url_default_port_and_slash_are_dropped() -> None:
    assert site_of(request(), settings(public_url="https://app.example.com"), TRUSTED) == Site(
        "https", "app.example.com", ""
    )


@pytest.mark.parametrize(
    ("path", "mount"), [("", ""), ("/", ""), ("/base", "/base"), ("/base/", "/base"), ("/a/matriX", "/a/matriX")]
)  # fmt: skip
def test_the_path_of_public_url(path: str, mount: str) -> None:
    found = site_of(request(), settings(public_url=f"HTTPS://App.example.com:443{path}"), TRUSTED)
    assert found == Site("https", "app.example.com", mount)


@pytest.mark.parametrize(
    ("scheme", "expected"), [("https", "https"), ("http", "http"), ("wss", "http"), ("", "http")]
)
def test_the_scheme_of_the_request(scheme: str, expected: str) -> None:
    asked = request(scheme=scheme, headers={"host": "app.example.com"})
    assert site_of(asked, settings(), TRUSTED) == Site(expected, "app.example.com", "")


def test_untrusted_peer_is_not_believed() -> None:
    """CVE-2026-40575, oauth2-proxy #3506: spoofed X-Forwarded-* of a client that reaches us directly."""
    spoofed = {
        "host": "app.example.com",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-prefix": "/evil",
        "x-forwarded-for": NEAR,
    }
    for peer in ("203.0.113.9", "", "11.0.0.1", "not an address", "::2"):
        assert site(spoofed, peer=peer, mount="/m") == Site("http", "app.example.com", "/m")


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ({}, Site("http", "in.example", "")),
        ({"host": "A.Example:443", "proto": "https"}, Site("https", "a.example", "")),
        ({"host": "a.example:80", "proto": "HTTP"}, Site("http", "a.example", "")),
        ({"proto": "wss"}, Site("https", "in.example", "")),
        ({"proto": "ws"}, Site("http", "in.example", "")),
        ({"proto": " https , \t"}, Site("https", "in.example", "")),
        ({"prefix": "/matriX/"}, Site("http", "in.example", "/matriX")),
        ({"proto": "gopher"}, Site("http", "in.example", "")),
        ({"host": "a b"}, Site("http", "", "")),
        # one trusted hop: what stands left of the last item was the client's
        ({"host": "evil.example, a.example", "for": "10.9.9.9, 203.0.113.9"}, Site("http", "a.example", "")),
        # two trusted hops: the outer one knows the browser's view
        (
            {"host": "evil.example, a.example, b.example", "for": "203.0.113.9, 10.0.0.2"},
            Site("http", "a.example", ""),
        ),
        # the outer one replaced the list, the inner one passed it on
        ({"proto": "https", "for": "203.0.113.9, 10.0.0.2"}, Site("https", "in.example", "")),
        ({"prefix": "/base/"}, Site("http", "in.example", "/base")),
        ({"prefix": "//evil.example"}, Site("http", "in.example", "")),
        ({"prefix": "/a/../b"}, Site("http", "in.example", "")),
        ({"prefix": "/a;b"}, Site("http", "in.example", "")),
    ],
)
def test_trusted_peer(forwarded: dict[str, str], expected: Site) -> None:
    headers = {"host": "in.example"} | {f"x-forwarded-{name}": value for name, value in forwarded.items()}
    assert site(headers) == expected
    assert site(headers, peer="unix") == expected
    assert site(headers, peer="::ffff:10.0.0.1") == expected


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [("http", "http"), ("ws", "http"), ("https", "https"), ("WSS", "https"), ("gopher", None), ("", None)],
)
def test_the_scheme_that_a_trusted_proxy_reports(scheme: str, written: str, expected: str | None) -> None:
    asked = request(scheme=scheme, headers={"host": "a.example", "x-forwarded-proto": written}, peer=NEAR)
    assert site_of(asked, settings(), TRUSTED) == Site(expected or scheme, "a.example", "")


def test_repeated_forwarded_headers_are_one_list() -> None:
    twice = [("host", "i"), ("x-forwarded-host", "evil.example"), ("x-forwarded-host", "a.example")]
    assert site(twice).host == "a.example"


@pytest.mark.parametrize(
    ("prefix", "mount", "expected"),
    [
        ("/base", "", "/base"),
        ("/base", "/base", "/base"),
        ("/base", "/inner", "/base/inner"),
        ("/b", "/base", "/b/base"),
        ("/base", "/base/inner", "/base/inner"),
        ("/base/", "/base", "/base"),
        ("base", "/m", "/m"),
        ("/", "/m", "/m"),
    ],
)
def test_prefix_and_mount(prefix: str, mount: str, expected: str) -> None:
    assert site({"host": "a", "x-forwarded-prefix": prefix}, mount=mount).mount == expected


def test_host_missing_or_repeated_is_unknown() -> None:
    assert site({}, peer="").host == ""
    assert site([("host", "a.example"), ("host", "b.example")], peer="").host == ""
    assert site([("host", "a.example"), ("host", "a.example")]).host == ""


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("10.255.0.1", True), ("::ffff:10.0.0.1", True), ("::1", True), ("unix", True), ("11.0.0.1", False),
        ("::2", False), ("", False), ("10", False), ("10.0.0.1.evil", False), ("\u0661\u0660.0.0.1", False),
    ],
)  # fmt: skip
def test_trusts(peer: str, expected: bool) -> None:
    assert TRUSTED.trusts(peer) is expected
    assert trusts(peer, ["10.0.0.0/8", "::1", "unix"]) is expected
    assert trusts(peer, []) is False


def test_a_network_may_be_written_as_an_address_in_it() -> None:
    assert trusts("10.255.0.1", ["10.1.2.3/8"])
    assert not trusts("11.0.0.1", ["10.1.2.3/8"])


def test_unix_is_trusted_by_name_alone() -> None:
    assert not trusts("unix", ["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(
    ("peer", "chain", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (NEAR, "", NEAR),
        (NEAR, "198.51.100.1", "198.51.100.1"),
        (NEAR, "1.1.1.1, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        (NEAR, "10.0.0.8, 10.0.0.7", "10.0.0.8"),
        (NEAR, "198.51.100.1:4711", "198.51.100.1"),
        (NEAR, "[2001:db8::1]:4711", "2001:db8::1"),
        (NEAR, "198.51.100.1, unknown", NEAR),
        (NEAR, "198.51.100.1, <script>, 10.0.0.7", "10.0.0.7"),
        (NEAR, "2001:db8::1%<script>", "2001:db8::1"),
        ("unix", "198.51.100.1", "198.51.100.1"),
        (NEAR, "198.51.100.1, [::1]:4711", "198.51.100.1"),
        (NEAR, "198.51.100.1, [::1", "198.51.100.1"),
        (NEAR, "::ffff:198.51.100.1", "198.51.100.1"),
        (NEAR, "::ffff:198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        (NEAR, "fe80::1%eth0", "fe80::1"),
        (NEAR, "1.2.3.4:5:6", NEAR),
        (NEAR, "198.51.100.1,, 10.0.0.7 ,\t", "198.51.100.1"),
        (NEAR, "198.51.100.1" + ", 10.0.0.7" * 31, "198.51.100.1"),
        (NEAR, "198.51.100.1, 10.0.0.8" + ", 10.0.0.7" * 31, "10.0.0.8"),
    ],
)
def test_client_address(peer: str, chain: str, expected: str) -> None:
    assert client_address(request(headers={"x-forwarded-for": chain}, peer=peer), TRUSTED) == expected


@pytest.mark.parametrize(
    ("headers", "peer", "expected"),
    [
        ({}, NEAR, "App.example:1"),
        ({"x-forwarded-host": "A.example"}, NEAR, "A.example"),
        ({"x-forwarded-host": "A.example"}, "203.0.113.9", "App.example:1"),
        ({"x-forwarded-host": "evil.example, A.example"}, NEAR, "A.example"),
        (
            {
                "x-forwarded-host": "evil.example, A.example, b.example",
                "x-forwarded-for": "1.1.1.1, 10.0.0.2",
            },
            NEAR,
            "A.example",
        ),
        (
            {"x-forwarded-host": "A.example", "x-forwarded-for": "1.1.1.1, 10.0.0.2, 10.0.0.3"},
            NEAR,
            "A.example",
        ),
    ],
)
def test_the_host_that_the_browser_used(headers: dict[str, str], peer: str, expected: str) -> None:
    asked = request(headers={"host": "App.example:1"} | headers, peer=peer)
    assert browser_host(asked, TRUSTED) == expected


@pytest.mark.parametrize(
    ("headers", "peer", "expected"),
    [
        ([], NEAR, ()),
        ([("x-forwarded-uri", "/a?b=1?c")], NEAR, ("b=1?c",)),
        ([("x-forwarded-uri", "/a?b=1")], "203.0.113.9", ()),
        ([("x-forwarded-uri", "/a?b=1"), ("x-forwarded-uri", "/a?b=1")], NEAR, ()),
        ([("x-original-uri", "/a")], NEAR, ("",)),
        ([("x-original-uri", "/a?x"), ("x-forwarded-uri", "/a?y")], NEAR, ("x", "y")),
    ],
)
def test_the_queries_of_the_client(
    headers: list[tuple[str, str]], peer: str, expected: tuple[str, ...]
) -> None:
    names = {"original_uri_header": "X-Original-URI", "original_method_header": "X-Original-Method"}
    given = settings(**names, trusted_proxies=("10.0.0.0/8",))
    assert tuple(sorted(client_queries(request(headers=headers, peer=peer), given, TRUSTED))) == expected


def test_the_queries_of_the_client_without_a_header_of_the_settings() -> None:
    headers = [("x-original-uri", "/a?x"), ("x-forwarded-uri", "/a?y"), ("x", "/a?z")]
    assert client_queries(request(headers=headers, peer=NEAR), settings(), TRUSTED) == ("y",)


def original(
    uri: str | list[str], *methods: str, peer: str = NEAR, public_url: str | None = None
) -> OriginalTarget | None:
    names = {"original_uri_header": "X-Original-URI", "original_method_header": "X-Original-Method"}
    told = settings(**names, trusted_proxies=("10.0.0.0/8",), public_url=public_url)
    uris = [uri] if isinstance(uri, str) else uri
    headers = [("x-original-uri", text) for text in uris]
    headers += [("x-original-method", method) for method in methods or ("GET",) if method]
    return original_target(request(headers=headers, peer=peer), told, TRUSTED)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/a", "/a"),
        ("/a%20b?x=/public", "/a b"),
        ("/public/..%2fadmin", "/public/../admin"),
        ("/%2561", "/%61"),
        ("/caf%C3%A9/%FF", "/café/\udcff"),
        ("https://app.example.com/a?b", "/a"),
    ],
)
def test_original_target(uri: str, path: str) -> None:
    raw = uri.removeprefix("https://app.example.com")
    assert original(uri, "POST") == ("POST", path, raw, raw.partition("?")[0])


def test_original_target_is_relative_to_the_mount() -> None:
    url = "https://app.example.com/base"
    assert original("/base/x%20z?y", public_url=url) == ("GET", "/x z", "/base/x%20z?y", "/x%20z")
    assert original("/base/x/base", public_url=url) == ("GET", "/x/base", "/base/x/base", "/x/base")
    assert original("/x", public_url=url) is None
    for twice in ("/base/base/x", "/base/base", "/base/b%61se/x", "/b%61se/x", "/base%2Fx"):
        assert original(twice, public_url=url) is None
    assert original("/basement", public_url=url) is None


@pytest.mark.parametrize(
    "uri",
    ["", "a", "*", "/a#b", "/a\\b", "/caf\xc3\xa9", "/a\x00", "ftp://a/b", "https://a@b/c", "https:///a"],
)
def test_original_target_that_is_read_in_two_ways_is_protected(uri: str) -> None:
    assert original(uri) is None


@pytest.mark.parametrize("joint", [",", ", "])
@pytest.mark.parametrize(
    "theirs", ["/secret", "https://app.example.com/secret", "HTTP://app.example.com/secret"]
)
def test_original_target_that_may_be_two_in_one_is_protected(joint: str, theirs: str) -> None:
    # a client's X_Original_URI in front of the proxy's X-Original-URI, as wsgiref joins them (CVE-2025-64484)
    assert original(f"/public{joint}{theirs}") is None
    assert original(f"/public?a{joint}{theirs}") is None
    assert original("/public/a,b?ids=1,2") == ("GET", "/public/a,b", "/public/a,b?ids=1,2", "/public/a,b")


def test_original_target_needs_both_headers_once_from_a_trusted_peer() -> None:
    assert original("/a") is not None
    assert original("/a", peer="203.0.113.9") is None
    assert original("/a", peer="") is None
    assert original("/a", "") is None
    assert original("/a", "get") is None
    assert original("/a", "A" * 20) == ("A" * 20, "/a", "/a", "/a")
    assert original("/a", "A" * 21) is None
    assert original([]) is None
    assert original(["/a", "/a"]) is None
    assert original("/a", "GET", "GET") is None


def test_original_target_is_off_by_default() -> None:
    asked = Request(
        "GET",
        "http",
        "",
        "/",
        "/",
        "",
        Headers([("x-original-uri", "/a"), ("x-original-method", "GET")]),
        NEAR,
    )
    assert original_target(asked, settings(), TRUSTED) is None
