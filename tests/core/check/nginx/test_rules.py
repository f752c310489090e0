"""A working configuration, broken in one way at a time; and working ones in other people's style."""

from __future__ import annotations

import itertools
import random
import re
import secrets
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.catalogue import CAUSES
from oidc_gate.check.findings import Finding
from oidc_gate.check.nginx import check_nginx
from oidc_gate.check.nginx.locations import servers
from oidc_gate.check.nginx.reading import read_dump
from oidc_gate.check.nginx.rules import check_server
from oidc_gate.check.nginx.site import Site
from oidc_gate.settings import Settings
from tests.core.check.nginx.variants import BASE
from tests.core.check.nginx.variants import CACHE as CACHE_BY_COOKIE

pytest.importorskip("crossplane")
DOCS = Path(__file__).parents[4] / "docs/nginx"
GOOD = (DOCS / "sign-in-page.conf").read_text()

ERROR_PAGE = "error_page 401 = /oauth2/sign_in;"
CALLBACK = "location /oauth2/ {\n        proxy_pass http://oidc_gate;"
AUTH = "location = /oauth2/auth {\n        internal;\n        proxy_pass http://oidc_gate;"
PAGES = "location ~ ^/oauth2/(?:sign_in|unavailable)$ {"
NO_BODY = "proxy_pass_request_body off;         # the request body is for the application, not for the gate\n"
NO_LENGTH = 'proxy_set_header Content-Length           "";'
HOST = "proxy_set_header Host                     $http_host;\n"
FORWARDED_HOST = "proxy_set_header X-Forwarded-Host         $http_host;\n"
REDIRECT = "proxy_set_header X-Auth-Request-Redirect  $request_uri;"
SET_EMPTY = 'auth_request_set $oidc_cookie "";'
BUFFER = "proxy_buffer_size 16k;"

BREAKS: dict[str, tuple[tuple[str, str], ...]] = {
    "nginx_error_page_missing": ((ERROR_PAGE, ""),),
    "nginx_error_page_replaced": (("location /admin/ {", "location /admin/ {\n error_page 404 /404.html;"),),
    "nginx_error_page_status": ((ERROR_PAGE, "error_page 401 =200 /oauth2/sign_in;"),),
    "nginx_rd_unencoded": ((ERROR_PAGE, "error_page 401 = /oauth2/sign_in?rd=$request_uri;"),),
    "nginx_redirect_missing": ((REDIRECT, ""),),
    "nginx_gate_not_proxied": ((CALLBACK, CALLBACK.replace("/oauth2/", "/elsewhere/")),),
    "nginx_gate_protected": ((CALLBACK, CALLBACK + "\nauth_request /oauth2/auth;"),),
    "nginx_error_page_protected": ((PAGES, PAGES + "\nauth_request /oauth2/auth;"),),
    "nginx_prefix_stripped": ((CALLBACK, CALLBACK.replace("//oidc_gate;", "//oidc_gate/;")),),
    "nginx_cookie_hidden": ((CALLBACK, CALLBACK + "\nproxy_hide_header Set-Cookie;"),),
    "nginx_host_missing": ((HOST, ""), (FORWARDED_HOST, "")),
    "nginx_auth_location_missing": ((AUTH, AUTH.replace("proxy_pass http://oidc_gate;", "return 204;")),),
    "nginx_auth_elsewhere": ((AUTH, AUTH.replace("oidc_gate;", "oidc_gate/oauth2/sign_in;")),),
    "nginx_auth_body": ((NO_BODY, "\n"),),
    "nginx_auth_content_length": ((NO_LENGTH, ""),),
    "nginx_verdict_cache": ((AUTH, AUTH + "\nproxy_cache verdicts; proxy_cache_key $request_uri;"),),
    "nginx_satisfy_any": ((ERROR_PAGE, ERROR_PAGE + " satisfy any; allow 10.0.0.0/8; deny all;"),),
    "nginx_return_before": (("location /admin/ {", 'location /admin/ {\n return 200 "secret";'),),
    "nginx_headers_lost": (("location /admin/ {", "location /admin/ {\n proxy_set_header X-A b;"),),
    "nginx_identity_forgeable": (("proxy_set_header X-Forwarded-User                   $oidc_user;", ""),),
    "nginx_renewal_missing": (("auth_request_set $oidc_cookie    $upstream_http_set_cookie;", SET_EMPTY),),
    "nginx_error_page_url": ((ERROR_PAGE, "error_page 401 https://app.example.com/oauth2/start;"),),
    "nginx_intercept_errors": ((PAGES, PAGES + f" proxy_intercept_errors on; {ERROR_PAGE}"),),
    "nginx_header_names": (("underscores_in_headers off;", "underscores_in_headers on;"),),
    "nginx_buffers": ((BUFFER, ""),),
}


def broken(text: str, *names: str) -> str:
    for name in names:
        for old, new in BREAKS[name]:
            assert old in text, (name, old)
            text = text.replace(old, new)
    return text


def found_in(text: str, *, has_public_url: bool = True, needs_host: bool = True) -> set[str]:
    directives = read_dump(text)
    cookie = "__Secure-oidc_gate" if "__Secure-oidc_gate" in text else "__Host-oidc_gate"
    sites = [
        Site(server, "/oauth2", has_public_url, needs_host, cookie, directives)
        for server in servers(directives)
    ]
    return {each.cause for site in sites for each in check_server(site)}


@pytest.mark.parametrize("file", sorted(DOCS.glob("*.conf")), ids=lambda file: file.name)
def test_nothing_is_wrong_with_the_shipped_files(file: Path) -> None:
    assert found_in(file.read_text()) == set()
    assert found_in(file.read_text(), has_public_url=False) == set()


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_named(name: str) -> None:
    assert name in found_in(broken(GOOD, name))


@pytest.mark.parametrize("name", BREAKS)
def test_nothing_else_is_named(name: str) -> None:
    found = found_in(broken(GOOD, name))
    assert {each for each in found if not found & set(CAUSES[each].explained_by)} == {name}


@pytest.mark.slow
def test_of_pairs_both_are_named() -> None:
    pairs = list(itertools.combinations(BREAKS, 2))
    checked = 0
    for first, second in random.Random(7).sample(pairs, len(pairs)):
        try:
            text = broken(broken(GOOD, first), second)
        except AssertionError:
            continue  # both change the same line
        found = found_in(text)
        # A location that does not lead to the gate, and an error_page that is missing, say nothing more.
        silent = {"nginx_gate_not_proxied", "nginx_gate_protected", "nginx_auth_location_missing"}
        silent |= {"nginx_error_page_missing", "nginx_error_page_protected", "nginx_rd_unencoded"}
        silent |= {"nginx_error_page_url", "nginx_auth_body"}  # its fix is that of Content-Length too
        assert {first, second} <= found or silent & found & {first, second}, (first, second, found)
        checked += 1
    assert checked > 150


def test_tls_without_public_url() -> None:
    text = GOOD.replace("proxy_set_header X-Forwarded-Proto        $scheme;", "")
    assert found_in(text) == set()
    assert found_in(text, has_public_url=False) == {"nginx_proto_missing"}


def checked(text: str, directory: Path, **settings: Any) -> list[Finding]:
    file = directory / "nginx.conf"
    file.write_text(text)
    given = {"issuer": "https://op.example.com", "client_id": "a", "client_secret": secrets.token_urlsafe(32)}
    given["cookie_secret"] = secrets.token_urlsafe(32)
    return check_nginx(str(file), Settings.load(environ={}, **given | settings))


URL, OTHER = {"public_url": "https://app.example.com"}, {"allowed_redirect_hosts": ["wiki.example.com"]}


@pytest.mark.parametrize(
    ("settings", "is_needed"), [({}, True), (URL, False), (URL | OTHER, True)], ids=["none", "url", "hosts"]
)
def test_host_is_needed_unless_public_url_alone_decides(
    settings: dict[str, Any], is_needed: bool, tmp_path: Path
) -> None:
    found = checked(broken(GOOD, "nginx_host_missing"), tmp_path, **settings)
    assert {each.cause.name for each in found} == ({"nginx_host_missing"} if is_needed else set())


HEADERS = {
    "X-Forwarded-User": "$oidc_user",
    "X-Forwarded-Email": "$oidc_email",
    "X-Forwarded-Groups": "$oidc_groups",
    "X-Forwarded-Preferred-Username": "$oidc_username",
}


def line_of(name: str) -> str:
    return next(line.strip() for line in GOOD.splitlines() if f"proxy_set_header {name} " in line)


@pytest.mark.parametrize("names", [*([name] for name in HEADERS), list(HEADERS)], ids=" ".join)
@pytest.mark.parametrize("is_known", [True, False])
def test_the_lines_to_write_are_those_that_are_missing(
    names: list[str], is_known: bool, tmp_path: Path
) -> None:
    text = GOOD
    for name in names:
        text = text.replace(line_of(name), "")
    if not is_known:
        text = "".join(line for line in text.splitlines(keepends=True) if "auth_request_set" not in line)
    finding = next(each for each in checked(text, tmp_path) if each.cause.name == "nginx_identity_forgeable")
    lines = " ".join(
        f"proxy_set_header {name} {HEADERS[name] if is_known else chr(34) * 2};" for name in names
    )
    assert f"write `{lines}` in `location /`" in finding.fix
    assert finding.what.endswith(f"sends: {', '.join(names)}")
    # What it says is what helps.
    mended = text.replace("proxy_set_header Host ", f"{lines} proxy_set_header Host ", 1)
    assert "nginx_identity_forgeable" not in {each.cause.name for each in checked(mended, tmp_path)}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize(
    ("cause", "variable"),
    [("nginx_identity_from_client", "$http_"), ("nginx_auth_request_set_missing", "$upstream_http_")],
)
def test_the_lines_to_write_are_for_the_header_that_is_wrong(
    name: str, cause: str, variable: str, tmp_path: Path
) -> None:
    text = GOOD.replace(line_of(name), f"proxy_set_header {name} {variable}{name.lower().replace('-', '_')};")
    (finding,) = checked(text, tmp_path)
    source = name.lower().replace("x-forwarded", "x_auth_request").replace("-", "_")
    own = f"auth_request_set {HEADERS[name]} $upstream_http_{source};"
    assert finding.cause.name == cause
    assert finding.fix == f"write `{own}` and `proxy_set_header {name} {HEADERS[name]};`"
    assert own in re.sub(" +", " ", GOOD)


def test_a_variable_that_the_client_sets_gets_its_own_line(tmp_path: Path) -> None:
    old = "auth_request_set $oidc_email     $upstream_http_x_auth_request_email;"
    (finding,) = checked(GOOD.replace(old, "auth_request_set $mail $http_x_forwarded_email;"), tmp_path)
    assert finding.fix == (
        "write `auth_request_set $mail $upstream_http_x_auth_request_email;` and `proxy_set_header "
        "X-Forwarded-Email $mail;`"
    )


GATE = """
    location /oauth2/ {
        auth_request off; proxy_pass http://127.0.0.1:4180; proxy_set_header Host $host;
        proxy_set_header X-Auth-Request-Redirect $request_uri; proxy_buffer_size 16k;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
    location = /oauth2/auth {
        internal; proxy_pass http://127.0.0.1:4180; proxy_pass_request_body off; proxy_set_header Host $host;
        proxy_set_header Content-Length ""; proxy_buffer_size 16k;
    }
"""
IDENTITY = """
        proxy_set_header X-Forwarded-User $user; proxy_set_header X-Forwarded-Email ""; proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Groups ""; proxy_set_header X-Forwarded-Preferred-Username "";
        proxy_set_header Cookie ""; auth_request_set $user $upstream_http_x_auth_request_user;
        auth_request_set $c $upstream_http_set_cookie; add_header Set-Cookie $c always;
"""
CACHED = GATE.replace("internal;", "internal; proxy_cache v; proxy_cache_key $http_cookie;")
WITH_PATH = GATE.replace("http://127.0.0.1:4180;", "http://127.0.0.1:4180/oauth2/;", 1)
STYLES = {
    "auth_request in the server": f"""server {{ listen 443 ssl; auth_request /oauth2/auth;
        error_page 401 = /oauth2/sign_in; {GATE} location / {{ proxy_pass http://app; {IDENTITY} }} }}""",
    "everything in the location": f"""server {{ {GATE} location / {{ auth_request /oauth2/auth;
        error_page 401 = /oauth2/sign_in; proxy_pass http://app; {IDENTITY} }} }}""",
    "a named location": f"""server {{ {GATE} location @in {{ return 302 /oauth2/start; }}
        location / {{ auth_request /oauth2/auth; error_page 401 = @in; proxy_pass http://app; {IDENTITY} }} }}""",
    "static files": f"""server {{ {GATE} location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in;
        root /srv; auth_request_set $c $upstream_http_set_cookie; add_header Set-Cookie $c always; }} }}""",
    "public files beside it": f"""server {{ {GATE} location /static/ {{ root /srv; }}
        location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://app;
        {IDENTITY} }} }}""",
    "an exact root": f"""server {{ {GATE} location = / {{ return 302 /app/; }} location ^~ /app/ {{
        auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://app; {IDENTITY} }} }}""",
    "a cache by cookie": f"""server {{ {CACHED}
        location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://app;
        {IDENTITY} }} }}""",
    "proxy_pass with the path": f"""server {{ {WITH_PATH}
        location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://app;
        {IDENTITY} }} }}""",
    "two servers": f"""server {{ listen 80; return 301 https://$host$request_uri; }} server {{ {GATE}
        location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://app;
        {IDENTITY} }} }}""",
    "uwsgi": f"""server {{ {GATE} location / {{ auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in;
        uwsgi_pass unix:/run/app.sock; auth_request_set $c $upstream_http_set_cookie;
        add_header Set-Cookie $c always; }} }}""",
}


@pytest.mark.parametrize("style", STYLES)
def test_nothing_is_wrong_with_working_ones_in_another_style(style: str) -> None:
    assert found_in("http { " + STYLES[style] + " }") == set()


def test_a_configuration_without_auth_request(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text("http { server { location / { proxy_pass http://app; } } }")
    assert check_nginx(str(file), None) == [
        Finding(CAUSES["nginx_no_auth_request"], "nginx", str(file), {"prefix": "/oauth2"})
    ]
    file.write_text(broken(GOOD, "nginx_error_page_missing"))
    found = check_nginx(str(file), None)
    assert {(each.cause.name, each.where.rpartition(":")[0]) for each in found} == {
        ("nginx_error_page_missing", str(file))
    }
    assert {each.part for each in found} == {"nginx"}
    assert "`error_page 401 = /oauth2/sign_in;` in `location /`" in found[0].fix


NAMES = (
    *("add_header", "auth_request", "auth_request_set", "client_max_body_size", "error_page"),
    *("if", "ignore_invalid_headers", "internal", "large_client_header_buffers", "listen"),
    *("location", "map", "proxy_buffer_size", "proxy_cache", "proxy_cache_key"),
    *(
        "proxy_cache_valid",
        "proxy_cookie_domain",
        "proxy_cookie_flags",
        "proxy_cookie_path",
        "proxy_hide_header",
    ),
    *("proxy_ignore_headers", "proxy_pass", "proxy_intercept_errors", "proxy_set_header", "return"),
    *("rewrite", "satisfy", "underscores_in_headers", "upstream"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_directive_without_its_arguments_stops_nothing(name: str, tmp_path: Path) -> None:
    """Nginx refuses it; the check goes on to what else is wrong."""
    text = re.sub("#auth#", f"#auth# {CACHE_BY_COOKIE}", BASE).replace("listen 443", "listen 80; listen 443")
    text = re.sub(r"#\w+#", f"{name} {{ keepalive 8; }}" if name in ("map", "upstream") else f"{name};", text)
    assert checked(text, tmp_path)
