"""What anyone may read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.policy.public_paths import PublicPaths

RULES = PublicPaths(
    (
        *("/exact", "/dir/", "/below/*", "/deep/er/*", "GET /read", "GET /feed/*"),
        *("POST /hook", "POST /read", "OPTIONS /*", "/caf\u00e9"),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "public"),
    [
        ("GET", "/exact", True),
        ("DELETE", "/exact", True),
        ("GET", "/exact/", False),
        ("GET", "/exact/x", False),
        ("GET", "/Exact", False),
        ("GET", "/exac", False),
        ("GET", "/exactly", False),
        ("GET", "/dir/", True),
        ("GET", "/dir", False),
        ("GET", "/below", False),
        ("GET", "/below/", True),
        ("GET", "/below/x", True),
        ("PUT", "/below/x/y/z.html", True),
        ("GET", "/below/x/", True),
        ("GET", "/belowx", False),
        ("GET", "/BELOW/x", False),
        ("GET", "/x/below/x", False),
        ("GET", "/deep/x", False),
        ("GET", "/deep/er", False),
        ("GET", "/deep/er/x", True),
        ("GET", "/read", True),
        ("HEAD", "/read", True),
        ("POST", "/read", True),
        ("PUT", "/read", False),
        ("get", "/read", False),
        ("HEAD", "/feed/x", True),
        ("POST", "/feed/x", False),
        ("POST", "/hook", True),
        ("GET", "/hook", False),
        ("HEAD", "/hook", False),
        ("OPTIONS", "/", True),
        ("OPTIONS", "/any/where", True),
        ("GET", "/any/where", False),
        ("GET", "/", False),
        ("OPTIONS", "*", False),
        ("OPTIONS", "", False),
        ("GET", "/caf\u00e9", True),
        ("GET", "/cafe\u0301", False),
        ("GET", "/below/...", True),
        ("GET", "/below/.well-known", True),
        ("GET", "/below/a..b", True),
        ("GET", "/below/C# & co?", True),
    ],
)
def test_rules(method: str, path: str, public: bool) -> None:
    assert RULES.matches(method, path) is public


EVERYTHING = PublicPaths(["/*", "/a/*", *(odd for odd in ("/a//b", "/a/../b", "/a;b", "/a\\b", "/a%62"))])


@pytest.mark.parametrize(
    "path",
    [
        "/a/../admin", "/a/..", "/..", "/../a", "/a/./b", "/.", "/a/.", "//", "//a", "/a//b", "/a//",
        "/a/../b", "/a\\b", "/a/..\\admin", "/a;b", "/a/;/b", "/a/..;/admin", "/a%62", "/a/%2e%2e/b", "/a%",
        "/a/x%2fy", "/a\x00", "/a\x00.css", "/a\n", "/a\r\nb", "/a\t", "/\x7f", "/\x85", "/a\x9f", "/\udcff",
        "a", "", "*", "http://h/a", "\u2215a",
    ],
)  # fmt: skip
def test_what_is_read_in_two_ways_is_never_public(path: str) -> None:
    """CVE-2026-41059 and its kin: nothing widens a public rule."""
    assert EVERYTHING.matches("GET", "/a/b")
    assert not EVERYTHING.matches("GET", path)


def test_no_rules() -> None:
    assert not PublicPaths([]).matches("GET", "/")


def test_a_rule_for_all_methods_stays_one() -> None:
    for rules in (["GET /a", "/a"], ["/a", "GET /a"]):
        assert PublicPaths(rules).matches("DELETE", "/a")


def reference(rules: list[str], method: str, path: str) -> bool:
    """Judge clean paths rule by rule, as the handbook says it."""
    for rule in rules:
        wanted, _, pattern = rule.rpartition(" ")
        if wanted and method != wanted and (wanted, method) != ("GET", "HEAD"):
            continue
        if path == pattern or (pattern.endswith("/*") and path.startswith(pattern[:-1])):
            return True
    return False


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
PATTERNS = PATHS | PATHS.map(lambda path: path.rstrip("/") + "/*")
METHODS = st.sampled_from(["GET", "HEAD", "POST"])


@given(st.lists(PATTERNS | st.builds("{} {}".format, METHODS, PATTERNS), max_size=6), METHODS, PATHS)
def test_the_dictionaries_say_what_the_rules_say(rules: list[str], method: str, path: str) -> None:
    assert PublicPaths(rules).matches(method, path) is reference(rules, method, path)
