"""Changes of the same configuration in its error pages, and in the headers of the application."""

from __future__ import annotations

from tests.core.check.nginx.variants import PAGE_401, UPGRADE, Change, at

USER = "proxy_set_header X-Forwarded-User $user;"
NAMED = "location @in { #named# }"


def _in_page(line: str) -> Change:
    return ((PAGE_401, line),)


def _named(line: str, page: str = "error_page 401 = @in;") -> Change:
    return ((PAGE_401, page), ("#server#", NAMED), ("#named#", line))


PAGES: dict[str, Change] = {
    **{
        f"401: {line}": _in_page(line)
        for line in (
            "",
            "error_page 404 /x;",
            "error_page 401 /oauth2/sign_in;",
            "error_page 401 =200 /oauth2/sign_in;",
            "error_page 401 =302 /oauth2/sign_in;",
            "error_page 401 =401 /oauth2/sign_in;",
            "error_page 401 = /oauth2/start;",
            "error_page 401 /oauth2/start?rd=/;",
            "error_page 401 =302 /oauth2/start;",
            "error_page 401 =403 /oauth2/start;",
            "error_page 401 =500 /oauth2/start;",
            "error_page 401 = /oauth2/login;",
            "error_page 401 = /oauth2/static/x;",
            "error_page 401 = /login;",
            "error_page 401 = @nowhere;",
            "error_page 401 https://x.example/oauth2/start;",
            "error_page 401 http://x.example/oauth2/start;",
            *(
                f"error_page 401 = /oauth2/sign_in?rd={start}x;"
                for start in ("$scheme", "$request_uri", "http", "/")
            ),
            "error_page 401 = /oauth2/sign_in; error_page 401 =200 /x;",
            "error_page 401 403 = /oauth2/sign_in;",
        )
    },
    **at(
        "page",
        "error_page 403 = /oauth2/start;",
        "error_page 403 = /oauth2/sign_in;",
        "error_page 404 = /oauth2/start;",
        *(f"error_page {code} = /oauth2/sign_in;" for code in (500, 502, 503, 504, 505)),
        *(f"error_page {code} = /oauth2/start;" for code in (500, 502, 503, 504, 505)),
        "error_page 500 = /oauth2/unavailable;",
        "error_page 500 502 @down;",
        "satisfy any; deny all;",
        "satisfy all; deny all;",
        'return 200 "x";',
        'return "x";',
        "return 301 /x;",
        "return 403;",
        "return /x;",
        "return https://x/;",
        "return $scheme://x/;",
    ),
    **{
        f"@in: {line}": _named(line)
        for line in (
            "return 302 /oauth2/start;",
            "return 302 /oauth2/start?rd=$scheme://x;",
            "return 302 /oauth2/start?rd=$request_uri;",
            "return 302 /oauth2/start?rd=https://x;",
            "return 302 /oauth2/start?rd=/x;",
            "proxy_pass http://gate; proxy_set_header X-Auth-Request-Method $request_method;",
            "root /x; proxy_set_header X-Auth-Request-Method $request_method;",
            "proxy_pass http://gate; proxy_set_header X-Auth-Request-Method $m;",
        )
    },
    **{
        f"{code} @in: {line}": _named(line, f"{PAGE_401} error_page {code} = @in;")
        for code in (403, 500)
        for line in (
            "return 302 /x;",
            "return 200 x;",
            "return 303;",
            "return;",
            "rewrite ^ /oauth2/start? last;",
            "rewrite ^ /x last;",
            "root /x;",
        )
    },
    "a page that is replaced": (("#inner#", "location /b/ { error_page 404 /x; proxy_pass http://app; }"),),
    "the page of the server": (
        (PAGE_401, ""),
        ("#server#", PAGE_401),
    ),
    "no redirect target": (("proxy_set_header X-Auth-Request-Redirect $request_uri;", ""),),
    "a method of the page": (("#gate#", "proxy_set_header X-Auth-Request-Method $request_method;"),),
    "a protected page": (
        ("#server#", "location = /oauth2/sign_in { auth_request /oauth2/auth; proxy_pass http://gate; }"),
    ),
}
PAGES |= {
    **{
        f"the whole server is protected, and 401: {url}": (
            (PAGE_401, f"error_page 401 {url};"),
            ("#server#", "auth_request /oauth2/auth;"),
        )
        for url in ("http://x.example/", "https://x.example/")
    },
    "a protected page with a query": (
        (PAGE_401, "error_page 401 = /oauth2/sign_in?a;"),
        (
            "#server#",
            "location = /oauth2/sign_in { auth_request /oauth2/auth; proxy_pass http://gate; "
            "proxy_set_header X-Auth-Request-Method $request_method; }",
        ),
    ),
    "no redirect target beside an address": (
        (PAGE_401, "error_page 401 = /oauth2/sign_in?rd=/;"),
        ("proxy_set_header X-Auth-Request-Redirect $request_uri;", ""),
    ),
    "a regular expression that matches the name of a named page": (
        (PAGE_401, "error_page 401 = @in;"),
        (
            "#server#",
            "location @in { root /x; } "
            "location ~ in { proxy_pass http://gate; proxy_set_header X-Auth-Request-Method $request_method; }",
        ),
    ),
    **{
        f"a location inside: {line}": (
            (
                "#server#",
                f"location /w/ {{ auth_request /oauth2/auth;\n        location /w/b/ {{ {line} }} }}",
            ),
        )
        for line in (
            "return 301 /x;",
            "return 301 /x; root /srv;",
            "auth_request /oauth2/auth; return 301 /x;",
            "auth_request /oauth2/auth; return 301 /x; root /srv;",
            "return 200 x;",
            "return;",
            "internal; root /srv;",
            "root /srv;",
        )
    },
}
HEADERS: dict[str, Change] = {
    **at(
        "inner",
        "location /b/ { proxy_pass http://app; }",
        "location /b/ { proxy_set_header X-A b; proxy_pass http://app; }",
        "location /b/ { proxy_set_header X-Forwarded-User $user; proxy_pass http://app; }",
        "location /b/ { proxy_set_header X-A b; root /srv; }",
        "location /b/ { add_header X-A b; proxy_pass http://app; }",
        "location /b/ { uwsgi_pass unix:/x; }",
        "location /b/ { auth_request off; proxy_pass http://app; }",
        "location /b/ { internal; root /srv; }",
        "location /b/ { return 301 /x; }",
        "location /b/ { return 200 x; }",
        "location /b/ { return 301 /x; root /srv; }",
        "location /b/ { auth_request /oauth2/auth; return 301 /x; root /srv; }",
        "location /b/ { auth_request /oauth2/auth; return 301 /x; }",
    ),
    **{
        f"user: {line}": ((USER, line),)
        for line in (
            "",
            "proxy_set_header X-Forwarded-User $http_x_forwarded_user;",
            "proxy_set_header X-Forwarded-User $http_x_auth_request_user;",
            "proxy_set_header X-Forwarded-User ${http_x_forwarded_user};",
            "proxy_set_header X-Forwarded-User $sent_http_x_forwarded_user;",
            "proxy_set_header X-Forwarded-User $http_x_other;",
            "proxy_set_header X-Forwarded-User $upstream_http_x_auth_request_user;",
            f"{USER} proxy_set_header X-Forwarded-Access-Token $http_x_forwarded_access_token;",
            f"{USER} proxy_set_header X-Forwarded-Access-Token $upstream_http_x_auth_request_access_token;",
            f"{USER} proxy_set_header X-Auth-Request-Preferred_Username $http_x_forwarded_preferred_username;",
            f"{USER} proxy_set_header X-Other $http_x_forwarded_user;",
            f"{USER} auth_request_set $t $http_x_forwarded_access_token;",
            f"{USER} auth_request_set $t $http_x_other;",
        )
    },
    "no renewal": (("auth_request_set $c $upstream_http_set_cookie;", ""),),
    "a renewal that is not added": (("add_header Set-Cookie $c always;", ""),),
    "a renewal of another name": (("add_header Set-Cookie $c always;", "add_header X-A $c;"),),
    "a renewal in small letters": (("add_header Set-Cookie $c always;", "add_header set-cookie $c;"),),
    "a renewal of the server": (
        ("add_header Set-Cookie $c always;", ""),
        ("#server#", "add_header Set-Cookie $c always;"),
    ),
    "a renewal of the server that is lost": (
        ("add_header Set-Cookie $c always;", "add_header X-A b;"),
        ("#server#", "add_header Set-Cookie $c always;"),
    ),
    "a header of the server with this value": (
        ("add_header Set-Cookie $c always;", "add_header X-A b;"),
        ("#server#", "add_header X-A Set-Cookie;"),
    ),
    "a renewal of the server that is lost, and not set": (
        ("add_header Set-Cookie $c always;", "add_header X-A b;"),
        ("auth_request_set $c $upstream_http_set_cookie;", ""),
        ("#server#", "add_header Set-Cookie $c always;"),
    ),
    **at(
        "server",
        "location @app { auth_request /oauth2/auth; proxy_pass http://app; }",
        "location @app { auth_request /oauth2/auth; root /srv; }",
        "location /i/ { internal; auth_request /oauth2/auth; proxy_pass http://app; }",
    ),
    "cookies are passed": (('proxy_set_header Cookie "";', "proxy_set_header Cookie $http_cookie;"),),
    "an upgrade of a socket": (("#headers#", UPGRADE),),
    "several mistakes in two servers": (
        ("#server#", "listen 80;"),
        (USER, ""),
        ("#http#", "server { location / { auth_request /x; proxy_pass http://app; } }"),
    ),
}
