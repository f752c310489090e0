"""Causes in the configuration of Nginx."""

from __future__ import annotations

from ..findings import Cause

_READ = "nginx.md"
_BARE = "troubleshooting.md#a-bare-401-and-no-sign-in"
_NOT_PROXIED = "troubleshooting.md#oauth2-is-not-proxied"
_CYCLE = '"401 Authorization Required", or "500 Internal Server Error" with recursive_error_pages'

NGINX = (
    Cause(
        "nginx_no_auth_request",
        "error",
        "no auth_request stands anywhere in this configuration",
        "every page is open, and no sign-in is asked for",
        "write `auth_request {prefix}/auth;` in the location to protect, or read the whole configuration: "
        "nginx -T | oidc-gate check --nginx -",
        _READ,
    ),
    Cause(
        "nginx_error_page_missing",
        "error",
        "`{location}` has auth_request, and no error_page for 401",
        '"401 Authorization Required" on a grey page, and no sign-in',
        "write `error_page 401 = {prefix}/sign_in;` in `{location}`, beside auth_request",
        _BARE,
    ),
    Cause(
        "nginx_error_page_replaced",
        "error",
        "`{location}` replaces the error_page 401 of the block around it: Nginx inherits all of them or none",
        '"401 Authorization Required" on a grey page, and no sign-in',
        "repeat `error_page 401 = {prefix}/sign_in;` beside this line",
        _BARE,
    ),
    Cause(
        "nginx_error_page_protected",
        "error",
        "the error_page for 401 leads to {target}, which is behind auth_request itself",
        _CYCLE,
        "write `location {prefix}/ {{ proxy_pass http://127.0.0.1:4180; }}` without auth_request, or with "
        "`auth_request off;`",
        _NOT_PROXIED,
        ("nginx_gate_not_proxied", "nginx_gate_protected"),
    ),
    Cause(
        "nginx_error_page_status",
        "warning",
        "error_page 401 gives the sign-in page the status {status}",
        "not at all; scripts, caches and search engines take the sign-in page for the page",
        "write `error_page 401 = {prefix}/sign_in;`, with nothing after the equals sign",
        _READ,
    ),
    Cause(
        "nginx_rd_unencoded",
        "warning",
        "the address to return to is not encoded in error_page, because Nginx cannot do that",
        "after the sign-in, everything after the first & of the address is missing",
        "write `error_page 401 = {prefix}/sign_in;`, and `proxy_set_header X-Auth-Request-Redirect $request_uri;` in "
        "the location {prefix}/",
        _READ,
    ),
    Cause(
        "nginx_redirect_missing",
        "warning",
        "`{location}` does not tell the gate which page was requested",
        "the sign-in ends on the start page instead of the page that was requested",
        "write `proxy_set_header X-Auth-Request-Redirect $request_uri;` in `{location}`",
        _READ,
    ),
    Cause(
        "nginx_gate_not_proxied",
        "error",
        "{prefix}/ has no location that leads to the gate, so `{location}` serves it",
        _CYCLE,
        "write, in the same server block, `location {prefix}/ {{ proxy_pass http://127.0.0.1:4180; }}`",
        _NOT_PROXIED,
    ),
    Cause(
        "nginx_gate_protected",
        "error",
        "the gate's own paths are behind auth_request, which `{location}` inherits",
        _CYCLE,
        "write `auth_request off;` in `{location}`",
        _NOT_PROXIED,
    ),
    Cause(
        "nginx_prefix_stripped",
        "error",
        "proxy_pass in `{location}` has a path, so the gate gets {path}",
        '"404" instead of the sign-in page',
        "write proxy_pass without a slash or path at its end: `proxy_pass http://127.0.0.1:4180;`",
        _READ,
    ),
    Cause(
        "nginx_cookie_hidden",
        "error",
        "`{location}` removes Set-Cookie from the gate's answers",
        'after the sign-in: "This sign-in cannot be finished here" (flow_missing)',
        "remove this line",
        "troubleshooting.md#the-cookie-is-dropped",
    ),
    Cause(
        "nginx_host_missing",
        "warning",
        "`{location}` does not pass Host on, so the gate sees the name in proxy_pass",
        "the sign-in starts on another host, or its redirect URI has another host",
        "write `proxy_set_header Host $http_host;` in `{location}`",
        _READ,
    ),
    Cause(
        "nginx_proto_missing",
        "error",
        "`{location}` is behind TLS and does not tell the gate so, and public_url is not set",
        "the provider refuses the redirect URI, which has http",
        "set public_url; or write `proxy_set_header X-Forwarded-Proto $scheme;`, and name Nginx in trusted_proxies",
        _READ,
    ),
    Cause(
        "nginx_auth_location_missing",
        "error",
        "auth_request asks {uri}, and no location leads that to the gate",
        '"500 Internal Server Error", or the page without a sign-in',
        "write `location = {uri} {{ internal; proxy_pass http://127.0.0.1:4180; proxy_pass_request_body off; "
        'proxy_set_header Content-Length ""; }}`',
        _READ,
        ("nginx_gate_not_proxied",),
    ),
    Cause(
        "nginx_auth_elsewhere",
        "error",
        "the subrequest of auth_request goes to {path}, which is not the endpoint for verdicts",
        '"500 Internal Server Error", because the answer is a redirect or a page',
        "let it lead to {prefix}/auth",
        _READ,
    ),
    Cause(
        "nginx_auth_body",
        "warning",
        "`{location}` passes the body of each request to the gate",
        "uploads are slow or end with 500",
        'write `proxy_pass_request_body off;` and `proxy_set_header Content-Length "";` in `{location}`',
        _READ,
    ),
    Cause(
        "nginx_auth_content_length",
        "error",
        "`{location}` passes Content-Length without the body",
        "a POST hangs, and ends with 500",
        'write `proxy_set_header Content-Length "";` in `{location}`',
        _READ,
    ),
    Cause(
        "nginx_verdict_cache",
        "error",
        "`{location}` caches verdicts with a key that does not contain the cookie",
        "not at all: a user gets the verdict and the identity of another user",
        "write `proxy_cache_key $http_cookie;`, or remove proxy_cache",
        _READ,
    ),
    Cause(
        "nginx_satisfy_any",
        "error",
        "satisfy any lets a request in that allow admits, whatever the gate says",
        "no sign-in is asked for",
        "write `satisfy all;`, or remove the line",
        _READ,
    ),
    Cause(
        "nginx_return_before",
        "error",
        "`{location}` is performed before auth_request, so the gate is not asked",
        "no sign-in is asked for",
        "move the return into a location without a secret, or let the application answer",
        _READ,
    ),
    Cause(
        "nginx_headers_lost",
        "error",
        "`{location}` replaces every proxy_set_header of the blocks around it: {names}",
        "not at all: the application gets these headers as the client sent them, or not at all",
        "repeat these lines here, or remove the ones of this block",
        _READ,
    ),
    Cause(
        "nginx_identity_forgeable",
        "warning",
        "`{location}` passes on identity headers that a client sends: {names}",
        "not at all: if the application reads them, any user can be any other",
        "set each of them: `proxy_set_header X-Forwarded-User $oidc_user;`, with an empty value if it is not used",
        _READ,
    ),
    Cause(
        "nginx_renewal_missing",
        "warning",
        "`{location}` does not hand the renewed session cookie on",
        "active users have to sign in again after session_idle_seconds",
        "write `auth_request_set $oidc_cookie $upstream_http_set_cookie;` and `add_header Set-Cookie $oidc_cookie "
        "always;`",
        _READ,
    ),
    Cause(
        "nginx_buffers",
        "warning",
        "the buffers in `{location}` are too small for large cookies",
        '"502 Bad Gateway" at the end of the sign-in of users with many groups',
        "write `proxy_buffer_size 16k;` and `proxy_buffers 4 16k;` in `{location}`",
        _READ,
    ),
)
