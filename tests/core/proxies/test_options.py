"""What the commands for proxies have in common: the place of the application, the paths, and the comments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.proxies.options import OptionError, comment, paths, public_url, start_command
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
    with pytest.raises(OptionError, match="contains or is below /a/oauth2"):
        paths("--public", ("/a/",), "/a/oauth2")


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
