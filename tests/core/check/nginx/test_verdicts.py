"""The same mistake written in other ways, and what only looks like it."""

from __future__ import annotations

import pytest

from oidc_gate.check.nginx.site import seconds
from tests.core.check.nginx.breaks import AUTH, CACHE, ERROR_PAGE, GOOD
from tests.core.check.nginx.test_rules import found_in

pytest.importorskip("crossplane")
QUERY = ("auth?allowed_groups=admins", "auth?allowed_groups=$groups")


def good_but(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "rd", ["$scheme://$host$request_uri", "$request_uri", "https://$host$request_uri", "http://$host/"]
)
def test_a_return_address_that_is_not_encoded(rd: str) -> None:
    text = good_but((ERROR_PAGE, f"error_page 401 = /oauth2/sign_in?rd={rd};"))
    assert found_in(text) == {"nginx_rd_unencoded"}


@pytest.mark.parametrize(
    ("variable", "expected"), [("$request_uri", {"nginx_rule_by_request_uri"}), ("$host", set())]
)
def test_rules_chosen_by_the_address_as_it_was_sent(variable: str, expected: set[str]) -> None:
    server = "server {\n    listen 443"
    text = good_but((server, f"map {variable} $groups {{ ~^/a admins; }}\n{server}"), QUERY)
    assert found_in(text) == expected


def test_a_map_of_the_address_that_no_rule_uses() -> None:
    server = "server {\n    listen 443"
    assert found_in(good_but((server, f"map $request_uri $loggable {{ ~^/a 0; }}\n{server}"))) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("90", 90),
        ("250ms", 0.25),
        ("30s", 30),
        ("2m", 120),
        ("1h", 3600),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1M", 2_592_000),
        ("1y", 31_536_000),
        ("1h30m", 5400),
        ("1h 30m", 5400),
    ],
)
def test_times_as_nginx_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(("time", "is_long"), [("10s", False), ("2m", True), ("1d", True), ("1w", True)])
def test_how_long_a_verdict_may_be_kept(time: str, is_long: bool) -> None:
    by_cookie = f'{AUTH} {CACHE} proxy_cache_key "$http_cookie";'
    found = found_in(good_but((AUTH, f"{by_cookie} proxy_cache_valid 202 {time};")))
    assert ("nginx_verdict_cache_long" in found) == is_long
