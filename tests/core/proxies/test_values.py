"""What an option may write into a configuration file, and that nothing else can."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.proxies.values import address, encoded, file, groups, host, path, size

MEANINGFUL = set("\n\r\t\0 ;{}\"'`$\\#<>|&()*%")
CHECKS: dict[Callable[[str], str], tuple[str, ...]] = {
    address: ("127.0.0.1:8080", "[::1]:80", "app:8080", "app.example.com:1", "unix:/run/a-b/app.sock"),
    host: ("app.example.com", "localhost", "127.0.0.1", "[::1]", "xn--caf-dma.example"),
    path: ("/a/", "/a", "/a.b/c_d/~e-f", "/robots.txt"),
    file: ("/etc/nginx/tls/app.crt", "/a"),
    size: ("1", "100m", "512k", "2g", "999999", "999999k"),
}
WRONG: dict[Callable[[str], str], tuple[str, ...]] = {
    address: (
        "",
        "app",
        ":80",
        "http://app:80",
        "app:80/x",
        "app:0",
        "app:65536",
        "::1:80",
        "[::1]",
        "80",
        "app:٣",
        "app:1 ",
        "a:b:1",
        "unix:/run/.",
        "unix:run",
        "unix:/",
        "unix:/run/../x",
        "unix:/run/a b",
    ),
    host: ("", "*.example.com", "app:80", "http://app", "a/b", "~^app", "1.2.3", "_"[:0]),
    path: ("", "/", "a/", "//", "/a//b", "/../a", "/a/./b", "/%61/", "/a?b", "/é/", "~ ^/a"),
    file: ("", "a.crt", "/", "/a/../b", "/a/./b", "/a b", "/a//b", "data:x"),
    size: ("", "0", "-1", "1.5m", "1t", "01", "1m;", "1234567"),
}


@pytest.mark.parametrize(("check", "text"), [(check, text) for check in CHECKS for text in CHECKS[check]])
def test_what_is_accepted_stays_as_it_is(check: Callable[[str], str], text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(("check", "text"), [(check, text) for check in WRONG for text in WRONG[check]])
def test_what_is_not_accepted_is_named(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match="write") as raised:
        check(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("character", sorted(MEANINGFUL))
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_value_has_a_character_that_means_something(check: Callable[[str], str], character: str) -> None:
    for good in CHECKS[check]:
        for text in (character + good, good + character, good[:3] + character + good[3:]):
            with pytest.raises(ValueError, match="write"):
                check(text)


@given(st.text())
def test_no_text_comes_through_with_such_a_character(text: str) -> None:
    for check in CHECKS:
        try:
            found = check(text)
        except ValueError:
            continue
        assert found.isascii()
        assert MEANINGFUL.isdisjoint(found)


@given(st.text())
def test_groups_are_encoded(text: str) -> None:
    try:
        names = groups(text)
    except ValueError:
        return
    assert (MEANINGFUL - {"%"}).isdisjoint(encoded(names))
    assert all(name.isprintable() for name in names)


@pytest.mark.parametrize(
    "text", ["", "a,", ",a", "a, b", "a\nb", "a\u2028b", "a" * 201, "x," + "a" * 201, " a"]
)
def test_groups_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="write them as admins,staff"):
        groups(text)


def test_values_in_capitals() -> None:
    assert [address("App:80"), host("App.Example.COM"), size("2G")] == ["app:80", "app.example.com", "2g"]
    assert address("unix:/Run/App.sock") == "unix:/Run/App.sock"


def test_a_group_may_be_as_long_as_the_limit() -> None:
    assert groups("a" * 200 + ",b") == ("a" * 200, "b")


def test_groups_keep_their_names() -> None:
    assert groups("Domain Users,x$y") == ("Domain Users", "x$y")
    assert encoded(("Domain Users", "x$y;é", "/a/b")) == "Domain%20Users,x%24y%3B%C3%A9,%2Fa%2Fb"
