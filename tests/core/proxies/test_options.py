"""What the commands for proxies have in common: the place of the application, the paths, and the comments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.proxies.options import (
    MAX_COMMENT,
    OptionError,
    Restriction,
    check_given_once,
    comment,
    paths,
    public_url,
    restrictions,
    start_command,
)
from oidc_gate.testing.settings import settings_for_tests


@pytest.mark.parametrize(
    ("url", "name", "expected"),
    [
        ("https://app.example.com", "", ("https", "app.example.com", 443)),
        ("https://app.example.com", "App.Example.com", ("https", "app.example.com", 443)),
        ("https://app.example.com:8443", "", ("https", "app.example.com", 8443)),
        ("http://localhost:8000", "", ("http", "localhost", 8000)),
        ("http://127.0.0.1", "", ("http", "127.0.0.1", 80)),
        ("https://[::1]:8443", "", ("https", "[::1]", 8443)),
        (None, "app.example.com", ("https", "app.example.com", 443)),
    ],
)
def test_where_users_find_the_application(url: str | None, name: str, expected: tuple[str, str, int]) -> None:
    found = public_url(settings_for_tests(public_url=url), name)
    assert (found.scheme, found.host, found.port) == expected
    assert found.netloc == (url or f"https://{name}").partition("://")[2]


@pytest.mark.parametrize(
    ("url", "name", "message"),
    [
        (None, "", "set public_url .* or give --server-name"),
        ("https://app.example.com", "www.example.com", "public_url says app.example.com"),
        ("https://app.example.com/base", "", "public_url has a path, /base"),
        (None, "a b", "'a b' is not the name of a host"),
        (None, "a;\nb", "is not the name of a host"),
    ],
)
def test_where_users_cannot_find_it(url: str | None, name: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        public_url(settings_for_tests(public_url=url), name)


@pytest.mark.parametrize(
    ("given_paths", "message"),
    [
        (("/oauth2/",), "contains or is below /oauth2"),
        (("/oauth2/x/",), "contains or is below /oauth2"),
        (("/oauth2",), "contains or is below /oauth2"),
        (("/a",), "write '/a/', which covers everything below it"),
        (("/a/", "/b/", "/a/"), "'/a/' is given twice"),
        (("/a/ {",), "is not a path"),
    ],
)
def test_paths_that_cannot_be_used(given_paths: tuple[str, ...], message: str) -> None:
    with pytest.raises(OptionError, match=f"--public: .*{message}"):
        paths("--public", given_paths, "/oauth2")


def test_paths() -> None:
    assert paths("--public", ("/a/", "/b"), "/oauth2", may_be_exact=True) == ("/a/", "/b")
    assert paths("--public", ("/oauth2x/",), "/oauth2") == ("/oauth2x/",)
    # A path without a slash at the end stands for itself, so it contains nothing.
    alone = ("/oauth", "/o", "/a")
    assert paths("--public", alone, "/oauth2", may_be_exact=True) == alone
    assert paths("--public", ("/a",), "/a/oauth2", may_be_exact=True) == ("/a",)
    with pytest.raises(OptionError, match="contains or is below /a/oauth2"):
        paths("--public", ("/a/",), "/a/oauth2", may_be_exact=True)
    with pytest.raises(OptionError, match="write '/oa/', which covers everything below it"):
        paths("--api", ("/oa",), "/oauth2")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("127.0.0.1:4180", "oidc-gate serve --port 4180"),
        ("[::1]:80", "oidc-gate serve --host ::1 --port 80"),
        ("unix:/run/gate.sock", "oidc-gate serve --uds /run/gate.sock"),
    ],
)
def test_the_command_that_starts_the_gate(gate: str, expected: str) -> None:
    settings = settings_for_tests(
        public_url="https://a.example.com", cookie_domain="example.com", prefix="/gate", cookie_name="c"
    )
    words = start_command(settings, gate)
    assert " ".join(words).endswith(expected)
    assert "OIDC_GATE_PREFIX=/gate" in words
    assert "OIDC_GATE_COOKIE_NAME=c" in words
    assert "OIDC_GATE_COOKIE_DOMAIN=example.com" in words
    assert not any(secret in word for secret in settings.cookie_secret for word in words)


@given(st.lists(st.text(), min_size=1))
def test_nothing_ends_the_line_of_a_comment(words: list[str]) -> None:
    text = comment(words)
    assert all(line.startswith("#   ") for line in text.splitlines())
    assert text.count("\n") == len(text.splitlines())


def test_a_long_command_goes_on() -> None:
    text = comment(["oidc-gate", "--restrict", "/a/=Domain Users", "x" * 100])
    assert text == f"#   oidc-gate --restrict '/a/=Domain Users' \\\n#   {'x' * 100}\n"


@pytest.mark.parametrize(
    ("keywords", "name", "expected"),
    [
        ({"insecure_cookies": True}, "localhost", ("http", "localhost", 80, False, False, "localhost")),
        ({}, "localhost", ("https", "localhost", 443, True, False, "localhost")),
        (
            {"public_url": "http://a.lan:443", "insecure_cookies": True},
            "",
            ("http", "a.lan", 443, False, True, "a.lan:443"),
        ),
        ({"public_url": "https://a.lan:80"}, "", ("https", "a.lan", 80, True, True, "a.lan:80")),
    ],
)
def test_the_scheme_and_the_port(keywords: dict[str, Any], name: str, expected: tuple[Any, ...]) -> None:
    found = public_url(settings_for_tests(**keywords), name)
    assert (found.scheme, found.host, found.port, found.is_tls, found.has_own_port, found.netloc) == expected


def test_the_words_that_start_the_gate_are_those_that_differ() -> None:
    rest: tuple[str, ...] = (
        "OIDC_GATE_ISSUER=...",
        "OIDC_GATE_CLIENT_ID=...",
        "OIDC_GATE_CLIENT_SECRET_FILE=...",
    )
    rest = (*rest, "OIDC_GATE_COOKIE_SECRET_FILE=...", "oidc-gate", "serve")
    assert start_command(settings_for_tests(), "127.0.0.1:4180") == (
        "OIDC_GATE_PUBLIC_URL=...",
        *rest,
        "--port",
        "4180",
    )
    several = settings_for_tests(
        public_url="https://a.example.com",
        cookie_domain="example.com",
        allowed_redirect_hosts=["b.example.com", "c.example.com"],
        prefix="/gate",
        cookie_name="c",
    )
    assert start_command(several, "gate:1") == (
        "OIDC_GATE_PUBLIC_URL=https://a.example.com",
        "OIDC_GATE_COOKIE_DOMAIN=example.com",
        "OIDC_GATE_ALLOWED_REDIRECT_HOSTS=b.example.com,c.example.com",
        "OIDC_GATE_PREFIX=/gate",
        "OIDC_GATE_COOKIE_NAME=c",
        *rest,
        "--host",
        "gate",
        "--port",
        "1",
    )


def test_a_line_of_a_comment_is_not_longer_than_the_limit() -> None:
    one, two = "b" * (MAX_COMMENT - 1), "b" * MAX_COMMENT
    assert comment(["a", one]) == f"#   a {one}\n"
    assert comment(["a", two]) == f"#   a \\\n#   {two}\n"
    assert comment(["x" * 200, "a"]) == f"#   {'x' * 200} \\\n#   a\n"
    assert comment(["a\nb\u2028\x00c"]) == "#   'a?b??c'\n"
    assert comment(["", "x" * 200, "a"]) == f"#   '' \\\n#   {'x' * 200} \\\n#   a\n"


def test_restrictions() -> None:
    found = restrictions(("/a/=Ab,c=d", "/b/=" + "x" * 50, "/c/=" + "x" * 60), "/oauth2")
    assert found == (
        Restriction("/a/", "auth_ab_c_d", ("Ab", "c=d")),
        Restriction("/b/", "auth_" + "x" * 40, ("x" * 50,)),
        Restriction("/c/", "auth_" + "x" * 40 + "_", ("x" * 60,)),
    )


@pytest.mark.parametrize("given", [("/a/", "/b/", "/a/"), ("/a/", "/a/")])
def test_a_path_is_given_to_one_option(given: tuple[str, ...]) -> None:
    check_given_once("/a/", "/a", "/b/")
    with pytest.raises(OptionError, match="'/a/' is given to two of"):
        check_given_once(*given)
