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


def verdict(location: str, *, of_server: str = "", uri: str = "/oauth2/auth") -> set[str]:
    """Return what is found about verdicts if `location` is the one that `auth_request` asks."""
    lines = 'proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header Host $host;'
    text = f"""server {{ {of_server} {location.replace("#", lines)}
        location /oauth2/ {{ auth_request off; proxy_pass http://gate; }}
        location / {{ auth_request {uri}; error_page 401 = /oauth2/sign_in; proxy_pass http://app; }}
        location /more/ {{ auth_request /oauth2/auth?allowed_groups=a; proxy_pass http://app; }} }}"""
    names = ("not_internal", "auth_buffers", "cache_shared", "location_missing")
    return {cause for cause in found_in(text) if cause.endswith(names)}


OPEN = {"nginx_auth_not_internal", "nginx_auth_buffers"}
BUFFERS = "proxy_buffer_size 16k;"


@pytest.mark.parametrize(
    ("location", "of_server", "uri", "expected"),
    [
        ("location = /oauth2/auth { # proxy_pass http://gate; }", "", "/oauth2/auth", OPEN),
        (
            "location = /oauth2/auth { # proxy_pass http://gate; }",
            "auth_request /oauth2/auth;",
            "/oauth2/auth",
            OPEN,
        ),
        ("location = /oauth2/auth { return 204; }", "", "/oauth2/auth", {"nginx_auth_location_missing"}),
        (
            f"location = /oauth2/auth {{ # internal; {BUFFERS} proxy_pass http://gate; {CACHE} }}",
            "",
            "/oauth2/auth",
            set(),
        ),
        (
            f"location = /oauth2/auth {{ # internal; {BUFFERS} proxy_pass http://gate; }} "
            "location = /validate { # auth_request off; proxy_pass http://gate/oauth2/auth; }",
            "auth_request /oauth2/auth;",
            "/validate",
            OPEN,
        ),
    ],
    ids=["alone", "the whole server is protected", "it answers itself", "one cache", "of another name"],
)
def test_which_location_is_that_of_the_verdicts(
    location: str, of_server: str, uri: str, expected: set[str]
) -> None:
    assert verdict(location, of_server=of_server, uri=uri) == expected


@pytest.mark.parametrize(
    "line", ["proxy_set_header X-Other $upstream_http_x_auth_request_user;", "proxy_set_header X-Other;"]
)
def test_other_headers_may_have_any_value(line: str) -> None:
    header = "proxy_set_header X-Forwarded-User "
    assert header in GOOD
    assert found_in(GOOD.replace(header, f"{line} {header}")) == set()
