"""One small configuration that works, and changes of it, most of which differ from a mistake in one detail."""

from __future__ import annotations

BASE = """\
#http#
upstream gate { server 127.0.0.1:4180; }
upstream app { server 127.0.0.1:8080; }
server {
    listen 443 ssl;
    #server#
    location / {
        auth_request /oauth2/auth;
        error_page 401 = /oauth2/sign_in;
        #page#
        auth_request_set $user $upstream_http_x_auth_request_user;
        auth_request_set $c $upstream_http_set_cookie;
        add_header Set-Cookie $c always;
        proxy_set_header X-Forwarded-User $user;
        proxy_set_header X-Forwarded-Email "";
        proxy_set_header X-Forwarded-Groups "";
        proxy_set_header X-Forwarded-Preferred-Username "";
        proxy_set_header Cookie "";
        #headers#
        proxy_pass http://app;
        #inner#
    }
    location = /oauth2/auth {
        internal;
        proxy_pass http://gate;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffer_size 16k;
        #auth#
    }
    location /oauth2/ {
        proxy_pass http://gate;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Auth-Request-Redirect $request_uri;
        proxy_buffer_size 16k;
        #gate#
    }
}
"""
AUTH_PASS = "internal;\n        proxy_pass http://gate;"
GATE_PASS = "location /oauth2/ {\n        proxy_pass http://gate;"
PAGE_401 = "error_page 401 = /oauth2/sign_in;"
CACHE = "proxy_cache v; proxy_cache_key $http_cookie;"
SECOND = """location = /oauth2/auth_b { #second# internal; proxy_pass http://gate/oauth2/auth; proxy_buffer_size 16k;
        proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header Host $host; }"""
INSIDE = "location /b/ { auth_request /oauth2/auth_b; proxy_pass http://app; }"
UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $u;"
OPEN = "proxy_pass http://app;"

Change = tuple[tuple[str, str], ...]


def at(place: str, *lines: str) -> dict[str, Change]:
    """Return a change for each of `lines`, which are written at a place of the configuration."""
    return {f"{place}: {line}": ((f"#{place}#", line),) for line in lines}


def _events(name: str, more: str = OPEN) -> str:
    return f"location {name} {{ {more} }}"


APPLICATIONS: dict[str, Change] = {
    **at(
        "inner",
        *(_events(name) for name in ("/sse", "/x/event", "/events/", "/eventsource", "/event-stream")),
    ),
    **at(
        "inner",
        _events("/sse", "root /srv;"),
        _events("/sse", f"{OPEN} proxy_buffering off;"),
        _events("/seven"),
    ),
    **at("page", "client_max_body_size 1m;", "client_max_body_size 2m;", "client_max_body_size 0;"),
    "own 1g, auth 1g": (("#page#", "client_max_body_size 1g;"), ("#auth#", "client_max_body_size 1024m;")),
    "own 1g, auth 0": (("#page#", "client_max_body_size 1g;"), ("#auth#", "client_max_body_size 0;")),
    "own 2m, auth 1g": (("#page#", "client_max_body_size 2m;"), ("#auth#", "client_max_body_size 1g;")),
    "own of the server": (("#server#", "client_max_body_size 2m;"), ("#auth#", "client_max_body_size 1m;")),
    **{
        f"rewrite to {target} {flag}": (
            ("#page#", f"rewrite ^/a {target} {flag};"),
            (
                "#server#",
                f"location /open/ {{ auth_request off; {OPEN} }} location = /oauth2/x {{ {OPEN} }} "
                "location = /only { auth_request off; root /srv; } location ~ \\.js$ { auth_request off; root /srv; }",
            ),
        )
        for target, flag in (
            ("/open/$1?a", "last"),
            ("/only$1", "last"),
            ("/only?a", "last"),
            ("/open/x", ""),
            ("/open/x", "break"),
            ("/open/x", "redirect"),
            ("/open/x", "permanent"),
            ("/oauth2/x", "last"),
            ("/other/x", "last"),
            ("https://x.example/open/", "last"),
            ("https://x.example/a.js", "last"),
        )
    },
    "two rewrites": (
        ("#page#", "rewrite ^/a /x break; rewrite ^/a /open/x last;"),
        ("#server#", f"location /open/ {{ auth_request off; {OPEN} }}"),
    ),
    "rewrite to nowhere": (("#page#", "rewrite ^/a /x last;"), ("location / {", "location /app/ {")),
    **at(
        "headers",
        f"{UPGRADE} proxy_http_version 1.1; proxy_read_timeout 61s;",
        f"{UPGRADE} proxy_http_version 2; proxy_read_timeout 61s;",
        f"{UPGRADE} proxy_http_version 1.0; proxy_read_timeout 61s;",
        f"{UPGRADE} proxy_http_version 1.1; proxy_read_timeout 60s;",
        f"{UPGRADE} proxy_http_version 1.1;",
        f"{UPGRADE} proxy_read_timeout 1h;",
        "proxy_set_header Upgrade $http_upgrade; proxy_http_version 1.1; proxy_read_timeout 1h;",
        'proxy_set_header Upgrade ""; proxy_read_timeout 1s;',
    ),
    "an upgrade without a proxy": (("#headers#", UPGRADE), ("proxy_pass http://app;", "root /srv;")),
    **at(
        "server",
        f"location ~ \\.js$ {{ {OPEN} }}",
        f"location ~* \\.js$ {{ {OPEN} }}",
        f"location ~ ^/js {{ {OPEN} }}",
        f"location ~ \\.js$ {{ auth_request off; {OPEN} }}",
        "location ~ \\.js$ { root /srv; }",
        f"location /api/ {{ {OPEN} }}",
        f"location ^~ /api/ {{ {OPEN} }}",
        f"location = /api {{ {OPEN} }}",
        f"location /api/ {{ auth_request off; {OPEN} }}",
        "location /api/ { proxy_pass http://other; }",
        "location /api/ { proxy_pass https://app/x; }",
        f"location /oauth2/x/ {{ {OPEN} }}",
    ),
}
GATE: dict[str, Change] = {
    **at(
        "gate",
        "proxy_cookie_path / /a/;",
        "proxy_cookie_path off;",
        "proxy_cookie_domain a b;",
        "proxy_cookie_domain off;",
        "proxy_cookie_flags ~ secure;",
        "proxy_cookie_flags ~ nosecure;",
        "proxy_hide_header Set-Cookie;",
        "proxy_hide_header X-A;",
        "proxy_ignore_headers Set-Cookie;",
        "proxy_intercept_errors on; error_page 401 /x;",
        "proxy_intercept_errors off; error_page 401 /x;",
        "proxy_intercept_errors on;",
        "auth_request off;",
    ),
    "a cookie path of the server": (("#server#", "proxy_cookie_path / /a/;"),),
    "a cookie path of the page": (("#page#", "proxy_cookie_path / /a/;"),),
    **at(
        "server",
        "listen 80;",
        "listen 80; if ($scheme = http) { return 301 x; }",
        "listen 80; if ($https = '') { return 301 x; }",
        "listen 80; if ($host = x) { return 301 x; }",
        "listen 443 quic;",
        "large_client_header_buffers 4 8k;",
        "large_client_header_buffers 4 8191;",
        "underscores_in_headers on;",
        "underscores_in_headers off;",
        "ignore_invalid_headers off;",
        "ignore_invalid_headers on;",
    ),
    "only plain": (("listen 443 ssl;", "listen 80; listen 81;"),),
    "proto http": (
        (
            "Forwarded-Proto $scheme;\n        proxy_set_header X-Auth",
            "Forwarded-Proto http;\n proxy_set_header X-Auth",
        ),
    ),
    "proto http without TLS": (
        ("listen 443 ssl;", "listen 80;"),
        ("X-Forwarded-Proto $scheme", "X-Forwarded-Proto http"),
    ),
    "no proto": (("proxy_set_header X-Forwarded-Proto $scheme;", ""),),
    "no proto without TLS": (
        ("proxy_set_header X-Forwarded-Proto $scheme;", ""),
        ("listen 443 ssl;", "listen 80;"),
    ),
    "kept": (("upstream gate {", "upstream gate { keepalive 8;"),),
    "kept, with its lines": (
        ("upstream gate {", "upstream gate { keepalive 8;"),
        (
            "proxy_set_header Host $host;",
            'proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Connection "";',
        ),
    ),
    "kept, with HTTP/2": (
        ("upstream gate {", "upstream gate { keepalive 8;"),
        (
            "proxy_set_header Host $host;",
            'proxy_set_header Host $host; proxy_http_version 2; proxy_set_header Connection "";',
        ),
    ),
    "kept, without a version": (
        ("upstream gate {", "upstream gate { keepalive 8;"),
        ("proxy_set_header Host $host;", 'proxy_set_header Host $host; proxy_set_header Connection "";'),
    ),
    "kept, with another connection": (
        ("upstream gate {", "upstream gate { keepalive 8;"),
        (
            "proxy_set_header Host $host;",
            "proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Connection x;",
        ),
    ),
    "kept for the application": (("upstream app {", "upstream app { keepalive 8;"),),
    "a forwarded host alone": (("proxy_set_header Host $host;", "proxy_set_header X-Forwarded-Host $host;"),),
    "no host": (("proxy_set_header Host $host;", ""),),
    "buffers of the gate": (("proxy_buffer_size 16k;\n        #gate#", "proxy_buffer_size 8k;"),),
    "small buffers of the gate": (("proxy_buffer_size 16k;\n        #gate#", "proxy_buffer_size 4k;"),),
    "the gate is one path of several": (
        (GATE_PASS, "location ~ ^/(?:oauth2|x)/ {\n proxy_pass http://gate/$uri; proxy_cookie_path / /a/;"),
    ),
    "the callback has its own location": (
        (
            "#server#",
            "location = /oauth2/callback { proxy_pass http://gate; proxy_cookie_path / /a/; "
            "proxy_hide_header Set-Cookie; proxy_intercept_errors on; error_page 401 /x; }",
        ),
    ),
    "the callback is a file": (
        (
            "#server#",
            "location = /oauth2/callback { root /srv; proxy_intercept_errors on; error_page 401 /x; }",
        ),
    ),
    "the gate is protected, and open elsewhere": (
        (GATE_PASS, f"{GATE_PASS} auth_request /oauth2/auth;"),
        ("#server#", "location /api/ { proxy_pass http://gate; }"),
    ),
    "the gate is not proxied": ((GATE_PASS, "location /oauth2/ { root /srv;"),),
    "the gate is protected": ((GATE_PASS, f"{GATE_PASS} auth_request /oauth2/auth;"),),
    "the page serves the gate": ((GATE_PASS, "location /elsewhere/ { proxy_pass http://gate;"),),
    "the prefix is stripped": ((GATE_PASS, "location /oauth2/ { proxy_pass http://gate/;"),),
    "the prefix is kept": ((GATE_PASS, "location /oauth2/ { proxy_pass http://gate/oauth2/;"),),
    "the prefix is behind another": ((GATE_PASS, "location /oauth2/ { proxy_pass http://gate/app/oauth2/;"),),
}
VERDICTS: dict[str, Change] = {
    **at(
        "auth",
        'proxy_set_header Cookie "";',
        "proxy_set_header Cookie $http_cookie;",
        "proxy_pass_request_headers off;",
        "proxy_pass_request_headers on;",
        'proxy_set_header Sec-WebSocket-Key ""; proxy_set_header Origin "";',
        'proxy_set_header Sec-WebSocket-Version "";',
        CACHE,
        "proxy_cache v; proxy_cache_key $request_uri;",
        "proxy_ignore_headers Set-Cookie;",
        "proxy_cache v;",
        "proxy_cache off; proxy_cache_key $request_uri;",
        f"{CACHE} proxy_ignore_headers Cache-Control;",
        f"{CACHE} proxy_ignore_headers Cache-Control SET-COOKIE;",
        "proxy_cache off; proxy_ignore_headers Set-Cookie;",
        *(
            f"{CACHE} proxy_set_header {name} $request_uri;"
            for name in ("X-Original-URI", "X-Original-URL", "X-Forwarded-Uri", "X-Other")
        ),
        "proxy_cache v; proxy_cache_key $http_cookie $request_uri; proxy_set_header X-Original-URI $request_uri;",
        "proxy_cache v; proxy_cache_key a; proxy_set_header X-Original-URI $request_uri;",
        f"{CACHE} proxy_cache_valid 202 60s;",
        f"{CACHE} proxy_cache_valid 202 61s;",
        f"{CACHE} proxy_cache_valid 90;",
    ),
    "no internal": ((AUTH_PASS, "proxy_pass http://gate;"),),
    "buffers of 8k": (("proxy_buffer_size 16k;\n        #auth#", "proxy_buffer_size 8k;"),),
    "buffers of 4k": (("proxy_buffer_size 16k;\n        #auth#", "proxy_buffer_size 4k;"),),
    "no length": (('proxy_set_header Content-Length "";', ""),),
    "no answer": ((AUTH_PASS, "internal; return 204;"),),
    "elsewhere": ((AUTH_PASS, "internal; proxy_pass http://gate/oauth2/sign_in;"),),
    "with a query": ((AUTH_PASS, "internal; proxy_pass http://gate/oauth2/auth?allowed_groups=a;"),),
    "protected itself": ((AUTH_PASS, f"{AUTH_PASS} auth_request /oauth2/auth;"),),
    "a query in auth_request": (
        ("auth_request /oauth2/auth;", "auth_request /oauth2/auth?allowed_groups=a;"),
    ),
    "two verdicts": (("#server#", SECOND), ("#inner#", INSIDE)),
    **{
        f"two verdicts, {name}": (
            ("#server#", SECOND),
            ("#inner#", INSIDE),
            ("#second#", second),
            ("#auth#", first),
        )
        for name, first, second in (
            ("one cache", CACHE, CACHE),
            ("two zones", CACHE, CACHE.replace(" v;", " w;")),
            ("two keys", CACHE, CACHE.replace("$http", "b$http")),
            (
                "off",
                "proxy_cache off; proxy_cache_key $http_cookie;",
                "proxy_cache off; proxy_cache_key $http_cookie;",
            ),
            ("no keys", "proxy_cache v;", "proxy_cache v;"),
            ("no zones", "proxy_cache_key $http_cookie;", "proxy_cache_key $http_cookie;"),
            *(
                (f"with {name}", f"{CACHE[:-1]}{name};", f"{CACHE[:-1]}{name};")
                for name in ("$uri", "$document_uri", "$request_uri")
            ),
        )
    },
    **at(
        "page",
        "if ($request_uri ~ ^/a) { return 403; }",
        "if ($host ~ ^/a) { return 403; }",
        "if ($http_x = $request_uri) { return 403; }",
    ),
    "a map that no rule uses": (("#http#", "map $request_uri $r { default a; }"),),
    "a map of a rule": (
        ("#http#", "map $host$request_uri $r { default a; }"),
        (AUTH_PASS, "internal; proxy_pass http://gate/oauth2/auth?allowed_groups=$r;"),
    ),
    "a map of the host for a rule": (
        ("#http#", "map $host $r { default a; }"),
        (AUTH_PASS, "internal; proxy_pass http://gate/oauth2/auth?allowed_groups=$r;"),
    ),
}
