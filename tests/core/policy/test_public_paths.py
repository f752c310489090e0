"""What anyone may read."""

from __future__ import annotations

from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.model import Reason
from oidc_gate.policy.public_paths import PublicPaths, reason_without_identity

BARE = "/:@!$&'()*+,;=~-._"  # besides letters and digits: what needs no percent-encoding in a path


def matches(rules: PublicPaths, method: str, path: str) -> bool:
    """Ask about a path that was sent with no needless escape."""
    return rules.matches(method, path, quote(path, safe=BARE, errors="surrogateescape"))


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
        ("GET", "/below/", False),
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
        ("OPTIONS", "/", False),
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
        ("GET", "/below/C sharp & co!", True),
        ("GET", "/below/C# & co", False),
        ("GET", "/below/and co?", False),
    ],
)
def test_rules(method: str, path: str, public: bool) -> None:
    assert matches(RULES, method, path) is public


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
    assert matches(EVERYTHING, "GET", "/a/b")
    assert not matches(EVERYTHING, "GET", path)


def test_no_rules() -> None:
    assert not matches(PublicPaths([]), "GET", "/")


def test_a_rule_for_all_methods_stays_one() -> None:
    for rules in (["GET /a", "/a"], ["/a", "GET /a"]):
        assert matches(PublicPaths(rules), "DELETE", "/a")


def reference(rules: list[str], method: str, path: str) -> bool:
    """Judge clean paths rule by rule, as the handbook says it."""
    for rule in rules:
        wanted, _, pattern = rule.rpartition(" ")
        if wanted and method != wanted and (wanted, method) != ("GET", "HEAD"):
            continue
        if path == pattern or (
            pattern.endswith("/*") and path.startswith(pattern[:-1]) and path != pattern[:-1]
        ):
            return True
    return False


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
PATTERNS = PATHS | PATHS.map(lambda path: path.rstrip("/") + "/*")
METHODS = st.sampled_from(["GET", "HEAD", "POST"])


@given(st.lists(PATTERNS | st.builds("{} {}".format, METHODS, PATTERNS), max_size=6), METHODS, PATHS)
def test_the_dictionaries_say_what_the_rules_say(rules: list[str], method: str, path: str) -> None:
    assert matches(PublicPaths(rules), method, path) is reference(rules, method, path)


SENT = PublicPaths(["/pub/*", "/pub/a b", "/caf\u00e9/*", "/a@b/*", "/exact", "/one/two", "/a|b"])


@pytest.mark.parametrize(
    ("raw", "public"),
    [
        ("/pub/a%20b", True),
        ("/pub/%41", True),  # below the rule's own part, every spelling is below
        ("/pub/caf%c3%a9", True),
        ("/exact", True),
        ("/caf%C3%A9/x", True),
        ("/caf%c3%A9/x", True),
        ("/a@b/x", True),
        ("/a%7Cb", True),
        ("/a|b", True),
        # Needless escapes in what the rule names: a router on the raw path has another route there.
        ("/%70ub/x", False),
        ("/p%75b/x", False),
        ("/pub%2Fx", False),
        ("/pub%2fx/y", False),
        ("%2Fpub/x", False),
        ("/exac%74", False),
        ("/one%2Ftwo", False),
        ("/a%40b/x", False),
        ("/c%61f%C3%A9/x", False),
        # Below it, too: an encoded slash ends a segment for one router only.
        ("/pub/x%2Fy", False),
        ("/pub/x%2fy", False),
        ("/pub/%2F", False),
        ("/pub/%5Cx", False),
        ("/pub/%00", False),
        ("/pub/x%23y", False),
        ("/pub/x%3Fy", False),
        ("/pub/x%3By", False),
        ("/pub/x%25", False),
        ("/pub/%252e%252e/x", False),
        ("/pub/%zz", False),
        ("/pub/%2e%2e/x", False),
        ("/pub/%2E", False),
        ("/pub/.%2e/x", False),
        ("/pub/%c0%ae%c0%ae/x", False),
        ("/pub/%c0%af", False),
        ("/pub/%ff", False),
        ("/pub/%ed%a0%80", False),
        # Not ASCII: no URL has it.
        ("/caf\u00e9/x", False),
        ("/pub/\u00e9", False),
    ],
)
def test_a_rule_holds_for_the_path_as_sent_and_as_decoded(raw: str, public: bool) -> None:
    path = unquote(raw, errors="surrogateescape")
    assert SENT.matches("GET", path, raw) is public


@pytest.mark.parametrize(
    "raw", ["/pub/y", "/x", "/pub/%EF%BF%BD", "/pub/%ff", "/pub/x/", "//pub/x", "", "http://h/pub/x"]
)
def test_two_forms_that_are_two_paths_are_never_public(raw: str) -> None:
    assert SENT.matches("GET", "/pub/x", "/pub/x")
    assert not SENT.matches("GET", "/pub/x", raw)


@pytest.mark.parametrize(
    "path",
    [
        "/pub/\uff0e\uff0e/x",
        "/pub/\u2025/x",
        "/pub/x/\u2024",
        "/pub/\uff0f/x",
        "/pub/\uff3cx",
        "/pub/\uff0e.",
    ],
)
def test_what_unicode_normalization_makes_a_dot_segment_or_a_separator_is_never_public(path: str) -> None:
    assert not matches(SENT, "GET", path)
    assert matches(SENT, "GET", "/pub/\u30a8\uff1f\u2026.txt")  # and only that


def test_a_rule_in_percent_encoding_matches_nothing() -> None:
    """The settings refuse such a rule; it must not match the path as it was sent alone."""
    assert not PublicPaths(["/a%62", "/%70ub/*"]).matches("GET", "/ab", "/a%62")
    assert not PublicPaths(["/a%62", "/%70ub/*"]).matches("GET", "/pub/x", "/%70ub/x")


@pytest.mark.parametrize(
    ("path", "raw"),
    [("/pub/x", "/%70ub/x"), ("/pub/x", "/p%75b/x"), ("/ab", "/a%62"), ("/a-b", "/a%2Db")],
)
def test_a_needless_escape_is_a_path_that_no_rule_names(path: str, raw: str) -> None:
    """Neither the rule for the decoded path, nor one for the text without the ``%``."""
    rules = PublicPaths(["/pub/*", "/70ub/*", "/p75b/*", "/ab", "/a62", "/a-b", "/a2Db"])
    assert rules.matches("GET", path, path)
    assert not rules.matches("GET", path, raw)


def test_below_the_root_is_not_the_root() -> None:
    rules = PublicPaths(["OPTIONS /*"])
    assert matches(rules, "OPTIONS", "/x")
    assert not matches(rules, "OPTIONS", "/")
    assert matches(PublicPaths(["OPTIONS /*", "OPTIONS /"]), "OPTIONS", "/")


ESCAPES = st.sampled_from(
    ["%2F", "%2f", "%2e", "%5C", "%00", "%23", "%3F", "%3B", "%25", "%70", "%20", "%C3%A9", "%ff"]
)
RAW = st.lists(st.sampled_from([*"/pubx.;\\#", "pub", "/pub/", "..", "%"]) | ESCAPES, max_size=8).map("".join)


def readings(raw: str) -> set[str]:
    """Return what a router may take for the path: as it is, decoded whole, or decoded segment by segment."""
    decoded = unquote_to_bytes(raw).decode("utf-8", "replace")
    return {raw, decoded, "/".join(unquote(segment) for segment in raw.split("/")), unquote(decoded)}


@given(RAW.map(lambda rest: f"/{rest}") | RAW.map(lambda rest: f"/pub/{rest}"), RAW | st.none())
def test_property_whatever_is_public_is_below_the_rule_in_every_reading(raw: str, other: str | None) -> None:
    path = unquote(raw if other is None else other, errors="surrogateescape")
    if PublicPaths(["/pub/*"]).matches("GET", path, raw):
        for reading in readings(raw) | readings(path):
            assert reading.startswith("/pub/")
            assert len(reading) > len("/pub/")
            assert {"", ".", ".."}.isdisjoint(reading.split("/")[1:-1])
            assert not reading.endswith(("/.", "/.."))


def test_the_reason_for_a_request_that_passes_without_an_identity() -> None:
    notes = (Reason("user_refused", "allowed_groups", "sub='ann'; groups: none"),)
    assert reason_without_identity(None) == reason_without_identity("", notes) == Reason("public_path")
    assert reason_without_identity("allowed_groups") == Reason("refused_on_public_path", "allowed_groups")
    assert reason_without_identity("allowed_groups", notes) == Reason(
        "refused_on_public_path", "allowed_groups", notes=notes
    )
