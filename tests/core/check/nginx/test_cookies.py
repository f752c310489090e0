"""Which cookies reach the application: what a map of the configuration makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from oidc_gate.check.nginx import check_nginx
from oidc_gate.check.nginx.locations import servers
from oidc_gate.check.nginx.maps import Maps, UnknownValueError, python_pattern
from oidc_gate.check.nginx.reading import read_dump
from oidc_gate.check.nginx.site import Site
from oidc_gate.testing.settings import settings_for_tests
from tests.core.check.nginx.breaks import GOOD

pytest.importorskip("crossplane")

START = GOOD.index("map $http_cookie")
END = GOOD.index("\n}\n", START) + len("\n}\n")
PRINTED = GOOD[START:END]
NAME = "__Host-oidc_gate"
FORMER = """map $http_cookie $oidc_other_cookies {
    "~^(?<oidc_before>(?:.*; )?)__Host-oidc_gate=[^;]*(?:; )?(?<oidc_after>.*)$"  $oidc_before$oidc_after;
    default  $http_cookie;
}
"""
OWN = "__Host-oidc_gate(?:[.](?:body2?|rounds|flow[0-7]))?="
STEPS = f"""map $http_cookie $rest {{ "~^(.*?)(?:^|; ){OWN}[^;]*(.*)$" $1$2; default $http_cookie; }}
map $rest $oidc_other_cookies {{ "~^(.*?)(?:^|; ){OWN}[^;]*(.*)$" $1$2; default $rest; }}
"""
PREFIX = """map $http_cookie $oidc_other_cookies { "~__Host-oidc_gate" ""; default $http_cookie; }
"""
UNKNOWN = """map $http_cookie $oidc_other_cookies { "~(?|a|b)" $lua_cookies; default $lua_cookies; }
"""
BROKEN = """map $http_cookie $oidc_other_cookies { "~(a" ""; default $http_cookie; }
"""
LOOP = """map $a $oidc_other_cookies { default $b; } map $b $a { default $oidc_other_cookies; }
"""


def found(text: str, directory: Path, name: str = "oidc_gate") -> dict[str, str]:
    file = directory / "nginx.conf"
    file.write_text(text)
    known = settings_for_tests(public_url="https://app.example.com", cookie_name=name)
    return {each.cause.name: each.facts.get("names", "") for each in check_nginx(str(file), known)}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (PRINTED, {}),
        (FORMER, {"nginx_cookies_left": [".body", ".body2", ".rounds", *(f".flow{n}" for n in range(8))]}),
        (STEPS, {"nginx_cookies_left": [".body2", ".rounds", *(f".flow{n}" for n in range(8))]}),
        (PREFIX, {"nginx_cookies_lost": ["theme", "x{}", "{}x", "{}.bodyx", "{}2"]}),
        *((text, {}) for text in (UNKNOWN, BROKEN, LOOP)),
    ],
    ids=["printed", "former", "steps", "prefix", "unknown", "broken", "loop"],
)
def test_what_a_map_leaves_and_what_it_takes(
    written: str, expected: dict[str, list[str]], tmp_path: Path
) -> None:
    reported = found(GOOD.replace(PRINTED, written), tmp_path)
    assert reported.keys() == expected.keys()
    for cause, names in expected.items():
        full = [name.format(NAME) if "{}" in name or name == "theme" else NAME + name for name in names]
        assert reported[cause].split(", ") == full


def test_a_cookie_of_another_name_is_not_hidden(tmp_path: Path) -> None:
    assert "nginx_cookies_left" in found(GOOD, tmp_path, name="other")


@pytest.mark.parametrize("line", ["", "proxy_set_header Cookie $http_cookie;"])
def test_nothing_is_hidden(line: str, tmp_path: Path) -> None:
    text = GOOD.replace("proxy_set_header Cookie             $oidc_other_cookies;", line)
    assert found(text, tmp_path).keys() == {"nginx_cookies_passed"}


def test_without_settings_the_name_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(GOOD.replace(PRINTED, FORMER))
    assert [each.cause.name for each in check_nginx(str(file), None)] == []


def maps(text: str) -> Maps:
    directives = read_dump(text + "server { }")
    (server,) = servers(directives)
    return Maps(Site(server, "/oauth2", True, True, NAME, directives).beside("map"))


def test_values_that_are_not_regular_expressions() -> None:
    known = maps('map $a $b { hostnames; default d; x "1$a"; ~*^Y$ 2; "~^(z)(?<more>.*)$" $1-$more; }')
    values = {a: known.value("<$b>", {"a": a}) for a in ("x", "X", "y", "zoo", "other", "default")}
    assert values == {"x": "<1x>", "X": "<1X>", "y": "<2>", "zoo": "<z-oo>", "other": "<d>", "default": "<d>"}
    with pytest.raises(UnknownValueError):
        known.value("$c", {})


@pytest.mark.parametrize(
    "pattern", ["(?<a>(?&a))", "(?&nowhere)", "(?(DEFINE)(?<a>x)", "(?<a>[)]", "(?<a>x" + "(?&a)" * 3]
)
def test_what_python_cannot_work_out(pattern: str) -> None:
    with pytest.raises(UnknownValueError):
        python_pattern(pattern)


def test_names_are_replaced_by_what_they_stand_for() -> None:
    assert python_pattern(r"(?(DEFINE)(?<a>[)\]]\))(?<b>(?&a)x))^(?<c>(?&b)*)") == (
        r"^(?P<c>(?>(?>[)\]]\))x)*)"
    )


@pytest.mark.parametrize(("depth", "is_known"), [(20, True), (21, False)])
def test_how_many_maps_may_follow_each_other(depth: int, is_known: bool) -> None:
    # Each map takes two steps: to its source, and to its value.
    steps = "".join(f"map $a $m{at} {{ default $m{at + 1}; }}" for at in range(depth - 1))
    known = maps(f"{steps} map $a $m{depth - 1} {{ default x; }}")
    if is_known:
        assert known.value("$m0", {"a": "1"}) == "x"
    else:
        with pytest.raises(UnknownValueError):
            known.value("$m0", {"a": "1"})


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('default d; "~^(?<one>a)?(b)?$" "<$one$2>";', "b", "<b>"),
        ('default d; "~^(?<one>a)?(b)?$" "<$one$2>";', "a", "<a>"),
        ("default d; A 1;", "a", "1"),
        ("a 1;", "b", ""),
        ("~^B 1; default d;", "b", "d"),
        ("~*^B 1; default d;", "b", "1"),
        ('"~^a$" "${a}-$a";', "a", "a-a"),
        ('"~^\\w$" w; default d;', "é", "d"),
        ("default d; volatile;", "volatile", "d"),
    ],
)
def test_what_a_map_makes_of_a_value(text: str, value: str, expected: str) -> None:
    assert maps(f"map $a $b {{ {text} }}").value("$b", {"a": value}) == expected


def test_a_map_with_other_arguments_is_not_one() -> None:
    with pytest.raises(UnknownValueError):
        maps("map $a { default d; }").value("$b", {"a": "1"})


@pytest.mark.parametrize(("more", "is_known"), [(0, True), (1, False)])
def test_how_large_an_expression_may_be(more: int, is_known: bool) -> None:
    pattern = "x" * (20_000 + more)
    if is_known:
        assert python_pattern(pattern) == pattern
    else:
        with pytest.raises(UnknownValueError):
            python_pattern(pattern)
