"""Host names, domain names, addresses."""

from __future__ import annotations

import unicodedata

import idna
import pytest

from oidc_gate.syntax.hosts import is_ip, is_loopback, normal_domain, normal_host, normal_hostname
from tests.core.syntax.browser_hosts import ROWS


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("app.example.com", "app.example.com"),
        ("APP.Example.com:443", "app.example.com"),
        ("app.example.com:80", "app.example.com:80"),
        ("app.example.com:65535", "app.example.com:65535"),
        ("my_box", "my_box"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
        ("[0:0::1]", "[::1]"),
        *[
            (bad, "")
            for bad in (
                "", "a b", "a@b", "u:p@a", "a/b", "a\\b", "a?b", "a#b", "a%2eb", "a:", "a:0", "a:080",
                "a:65536", "a:123456", "a:b", ":80", "a..b", ".a", "..", "[::1", "::1", "[::1]x", "[zz]",
                "[::ffff:10.0.0.1]", "[fe80::1%eth0]", "[]", "a,b", "[zz]:80",
                "[::ffff:10.0.0.1]:8000", "[fe80::1%eth0]:1", "[1::2::3]:8080", "1.2.3:80", "a..b:80", "xn--a:80",
                "a\r\nb", "a\n", "a;b", "bücher.example",
                "a\uff0eb", "x" * 256, "x" * 64 + ".example", "a'", 'a"', "<a>", "a\x00", "a:8\u0660",
                "a:\u0668",
            )
        ],
    ],
)  # fmt: skip
def test_normal_host(host: str, expected: str) -> None:
    assert normal_host(host, "https") == expected


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("App.Example.COM", "app.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "[::1]"),
        ("[0:0::1]", "[::1]"),
        ("", ""),
        ("app.example.com.", ""),
        ("a..b", ""),
        # A browser reads these as IPv4 addresses (WHATWG URL §3.5).
        ("1.2.3", ""),
        ("1.2.3.4.5", ""),
        ("app.0x7f", ""),
        ("app.1", ""),
        ("::ffff:10.0.0.1", ""),
        ("fe80::1%eth0", ""),
        ("::g", ""),
    ],
)
def test_normal_hostname(hostname: str, expected: str) -> None:
    assert normal_hostname(hostname) == expected


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("stra\u00dfe.de", "xn--strae-oqa.de"),
        ("\uff43orp.com", "corp.com"),
        ("x" * 63 + ".com", "x" * 63 + ".com"),
        ("x" * 64 + ".com", ""),
        (".".join(["abc"] * 63) + ".x", ".".join(["abc"] * 63) + ".x"),
        (".".join(["abc"] * 63) + ".xy", ""),
        ("\ud800.com", ""),
        ("corp.com.", ""),
        (".corp.com", ""),
        ("corp.com\n", ""),
        ("*.corp.com", ""),
    ],
)
def test_normal_domain(domain: str, expected: str) -> None:
    assert normal_domain(domain) == expected


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "xlocalhost", "localhost.example.com", "128.0.0.1", "127.0.0.1.example.com", "[::2]", "0.0.0.0"],
)
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("10.0.0.1", True), ("[::1]", True), ("::1", True), ("10.0.0", False), ("a.1", False)]
    + [(host, False) for host in ("", "10.0.0.1X", "X::1", "10.0.0.1:80", "[::1]:80", "(::1)")],
)
def test_addresses(host: str, expected: bool) -> None:
    assert is_ip(host) is expected


@pytest.mark.parametrize(("host", "standard", "expected"), ROWS)
def test_what_browsers_take(host: str, standard: str, expected: str) -> None:
    assert normal_host(host, "https") == expected
    assert expected in ("", standard)
    setting = normal_hostname(host)
    assert setting in ("", standard) or host == "::1"  # without brackets, as `urlsplit` gives it


def test_a_character_that_this_pythons_unicode_does_not_know() -> None:
    def is_mapped_to_itself(character: str) -> bool:
        try:
            return idna.uts46_remap(character, std3_rules=False) == character
        except idna.IDNAError:
            return False

    unknown = (chr(code) for code in range(0x80, 0x30000) if unicodedata.category(chr(code)) == "Cn")
    character = next(filter(is_mapped_to_itself, unknown), "")
    if not character:
        pytest.skip("idna knows no character that this Python does not")
    assert normal_host("xn--" + character.encode("punycode").decode() + ".example", "https") == ""


def test_the_longest_host() -> None:
    label = "a" * 63
    longest = f"{label}.{label}.{label}.{label}:65535"
    assert normal_host(longest, "https") == longest
    assert normal_host("a" + longest, "https") == ""
    address = "[1111:2222:3333:4444:5555:6666:7777:8888]"
    assert normal_host(address, "http") == address


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("a:80", "http", "a"),
        ("a:443", "http", "a:443"),
        ("a:443", "https", "a"),
        ("a:80", "https", "a:80"),
        ("a:80", "ftp", "a:80"),
        ("[::1]:443", "https", "[::1]"),
        ("a:1", "https", "a:1"),
        ("a.:443", "https", "a."),
    ],
)
def test_the_default_port_is_left_out(host: str, scheme: str, expected: str) -> None:
    assert normal_host(host, scheme) == expected


@pytest.mark.parametrize("hostname", ["[::1", "::1]", "[[::1]]", "]::1[", "[::1]x"])
def test_brackets_that_do_not_match(hostname: str) -> None:
    assert normal_hostname(hostname) == ""


@pytest.mark.parametrize(
    ("label", "is_taken"),
    [
        ("\u0627\u0628", True),
        ("\u0627a", False),  # an Arabic letter beside a Latin one (RFC 5893 §2)
        ("\u05d0\u05d1", True),
        ("\u05d0a", False),
        ("a\u0660", False),  # an Arabic digit beside a Latin letter
        ("\u0627\u0660", True),
    ],
)
def test_labels_that_are_written_from_right_to_left(label: str, is_taken: bool) -> None:
    host = f"xn--{label.encode('punycode').decode()}.example"
    assert normal_host(host, "https") == (host if is_taken else "")


@pytest.mark.parametrize(("label", "is_taken"), [("a_\u00fc", True), ("_\u00fc", True), ("a!\u00fc", False)])
def test_an_encoded_label_with_a_character_that_is_no_letter(label: str, is_taken: bool) -> None:
    """An underscore is not a forbidden domain code point (WHATWG URL §3.1), and neither is it in other names here."""
    host = f"xn--{label.encode('punycode').decode()}.example"
    assert normal_host(host, "https") == (host if is_taken else "")
