from __future__ import annotations

import pytest

from oidc_gate.check.nginx.locations import Level, location_of, locations, passed_path, servers
from oidc_gate.check.nginx.reading import read_dump

pytest.importorskip("crossplane")


def server(text: str) -> Level:
    (found,) = servers(read_dump(f"http {{ server {{ {text} }} }}"))
    return found


SEVERAL = """
location / { a x; } location /oauth2/ { b x; location /oauth2/deep/ { c x; } } location = /oauth2/auth { d x; }
location ~ \\.php$ { e x; } location ^~ /files/ { f x; } location ~* ^/UP { g x; }
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "a"),
        ("/x", "a"),
        ("/oauth2/x", "b"),
        ("/oauth2/deep/x", "c"),
        ("/oauth2/auth", "d"),
        ("/x.php", "e"),
        ("/oauth2/x.php", "e"),
        ("/files/x.php", "f"),
        ("/up", "g"),
    ],
)
def test_which_location_serves_a_path(path: str, expected: str) -> None:
    level = location_of(server(SEVERAL), path)
    assert (level.directive.block or ())[0].name == expected


def test_no_location() -> None:
    assert location_of(server("listen 80;"), "/x").directive.name == "server"


@pytest.mark.parametrize(
    ("location", "path", "expected"),
    [
        ("location /oauth2/ { proxy_pass http://gate; }", "/oauth2/callback", "/oauth2/callback"),
        ("location /oauth2/ { proxy_pass http://gate/; }", "/oauth2/callback", "/callback"),
        ("location /oauth2/ { proxy_pass http://gate/oauth2/; }", "/oauth2/callback", "/oauth2/callback"),
        ("location /oauth2/ { proxy_pass http://gate$request_uri; }", "/oauth2/callback", "/oauth2/callback"),
        ("location /oauth2/ { proxy_pass http://gate/$uri; }", "/oauth2/callback", None),
        (
            "location /oauth2/ { proxy_pass http://unix:/run/gate.sock; }",
            "/oauth2/callback",
            "/oauth2/callback",
        ),
        ("location /oauth2/ { root /srv; }", "/oauth2/callback", None),
    ],
)
def test_the_path_that_is_passed_on(location: str, path: str, expected: str | None) -> None:
    assert passed_path(location_of(server(location), path), path) == expected


def test_what_is_inherited() -> None:
    level = location_of(
        server("auth_request /a; error_page 401 /in; location /x { error_page 404 /no; auth_request off; }"),
        "/x",
    )
    assert level.auth_request == ""
    assert set(level.error_pages()) == {"404"}
    outer = location_of(server("auth_request /a; error_page 401 403 = /in; location /x { }"), "/x")
    assert (outer.auth_request, set(outer.error_pages())) == ("/a", {"401", "403"})


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("location /a { a x; } location /a/b { b x; } location / { c x; }", "/a/b/c", "b"),
        ("location /a/b { b x; } location /a { a x; }", "/a/b/c", "b"),
        ("location / { a x; location ~ b { b x; } } location ~ /b { c x; }", "/b", "b"),
        ("location / { a x; location ~* B { b x; } } location ~ /b { c x; }", "/b", "b"),
        ("location / { a x; location = /b { b x; } } location ~ /b { c x; }", "/b", "b"),
        ("location / { a x; location /b { b x; } } location ~ /b { c x; }", "/b", "c"),
        ("location ~ B { a x; } location / { c x; }", "/b", "c"),
        ("location ~ (?|b) { a x; } location / { c x; }", "/b", "c"),
        ("location ~ b { a x; location /b/c { d x; } }", "/b/c", "d"),
        ("location ~ b { a x; location ~ c { d x; } }", "/bc", "d"),
        ("location ~ b { a x; location ~ c { d x; } }", "/b", "a"),
        ("location = /b { a x; }", "/b/", "server"),
    ],
)
def test_the_order_in_which_locations_are_tried(text: str, path: str, expected: str) -> None:
    found = location_of(server(text), path).directive
    assert (found.name if found.name == "server" else (found.block or ())[0].name) == expected


@pytest.mark.parametrize(
    "line", ["proxy_pass http://a;", "uwsgi_pass a;", "fastcgi_pass a;", "grpc_pass a;", "scgi_pass a;"]
)
def test_what_passes_requests_on(line: str) -> None:
    assert location_of(server(f"location / {{ {line} }}"), "/").proxies
    assert not location_of(server("location / { root /srv; }"), "/").proxies


@pytest.mark.parametrize(
    ("location", "path", "expected"),
    [
        ("location /a/ { proxy_pass gate/x/; }", "/a/b", "/x/b"),
        ("location = /a { proxy_pass http://gate/x; }", "/a", "/x"),
        ("location ^~ /a/ { proxy_pass http://gate/x/; }", "/a/b", "/x/b"),
        ("location ~ ^/a { proxy_pass http://gate/x; }", "/a", None),
        ("location /a/ { proxy_pass http://$gate; }", "/a/b", "/a/b"),
        ("location /a/ { proxy_pass; }", "/a/b", None),
    ],
)
def test_the_path_that_other_locations_pass_on(location: str, path: str, expected: str | None) -> None:
    assert passed_path(location_of(server(location), path), path) == expected


def test_a_level() -> None:
    level = location_of(
        server("proxy_set_header A b; location /x { error_page 404 403 /no; error_page 404 /other; }"), "/x"
    )
    assert (level.shown, level.headers(), level.value("none"), level.value("error_page")) == (
        "location /x",
        {"a": "b"},
        "",
        "404",
    )
    assert {code: target for code, (target, _) in level.error_pages().items()} == {"404": "/no", "403": "/no"}
    assert [
        each.directive.args for each in locations(server("location /a { location /b { } } location /c { }"))
    ] == [
        ("/a",),
        ("/b",),
        ("/c",),
    ]
