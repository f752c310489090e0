"""Causes that can be seen at the page itself, through the proxy."""

from __future__ import annotations

from ..findings import Cause

_BARE = "troubleshooting.md#a-bare-401-and-no-sign-in"
NOT_PROXIED = "troubleshooting.md#oauth2-is-not-proxied"

_UNGUARDED = (
    "nginx_auth_request_query",
    *("nginx_no_auth_request", "nginx_satisfy_any", "nginx_return_before"),
    *("nginx_rewrite_before", "nginx_open_by_suffix", "nginx_open_beside"),
    "nginx_auth_location_missing",  # a location that answers 2xx itself
)
GATE_PATHS = ("nginx_gate_not_proxied", "nginx_gate_protected", "nginx_prefix_stripped")
_ERROR_PAGE = (
    "nginx_intercept_errors",
    "nginx_error_page_protected",
    "nginx_error_page_missing",
    "nginx_error_page_replaced",
)
_SUBREQUEST = (
    *("nginx_auth_elsewhere", "nginx_auth_location_missing", "nginx_auth_content_length"),
    *("nginx_auth_request_query", "nginx_named_location_missing"),
)

LIVE_PAGE = (
    Cause(
        "live_name",
        "error",
        "the name of the site does not resolve: {detail}",
        "the browser cannot find the site",
        "enter the name into DNS; or check the proxy before, with --connect 127.0.0.1:443",
        "deployment.md",
    ),
    Cause(
        "live_unreachable",
        "error",
        "the site cannot be reached: {detail}",
        "the browser cannot connect to the site",
        "does the proxy run, and listen on this port? Does a firewall let it through?",
        "deployment.md",
    ),
    Cause(
        "live_timeout",
        "error",
        "the site does not answer: {detail}",
        "the page loads for a long time, and never appears",
        "does the application answer without the proxy? Does a firewall drop the connection?",
        "deployment.md",
    ),
    Cause(
        "live_tls",
        "error",
        "the certificate of the site is not accepted: {detail}",
        "a warning of the browser; a script fails",
        "let ssl_certificate name the full chain, for this name; with a certificate authority of your own, run the "
        "check with --ca-file",
        "deployment.md",
    ),
    Cause(
        "live_broken",
        "error",
        "the site does not answer with HTTP: {detail}",
        "the browser shows an error of its own",
        "is https spoken on this port? Does the proxy pass the answer on as it is?",
        "deployment.md",
    ),
    Cause(
        "live_open",
        "error",
        "an anonymous user gets the page: {received}",
        "no sign-in is asked for",
        "write `auth_request {prefix}/auth;` in the location of this page, and no `auth_request off` or `satisfy any`; "
        "if the page is meant to be public, check another one",
        "nginx.md",
        _UNGUARDED,
    ),
    Cause(
        "live_open_to_scripts",
        "error",
        "a script without a session gets the content: {received}",
        "not at all: a client that does not look like a browser needs no sign-in",
        "let the location of the page decide by `auth_request` alone, without a map of headers",
        "nginx.md",
        (*_UNGUARDED, "live_open"),
    ),
    Cause(
        "live_own_401",
        "error",
        "the gate answers 401, and the proxy shows its own page for it: {received}",
        '"401 Authorization Required" on a grey page, and no sign-in',
        "write `error_page 401 = {prefix}/sign_in;` in the location of the page, beside `auth_request {prefix}/auth;`",
        _BARE,
        (
            *GATE_PATHS,
            *_ERROR_PAGE,
        ),
    ),
    Cause(
        "live_own_403",
        "error",
        "an anonymous user gets the proxy's own 403: {received}",
        '"403 Forbidden", and no sign-in',
        "does a rule of the proxy (deny, if, satisfy) refuse before the gate is asked? Let auth_request lead to "
        "{prefix}/auth, and write `error_page 401 = {prefix}/sign_in;`",
        "nginx.md",
        ("nginx_error_page_redirects",),
    ),
    Cause(
        "live_own_500",
        "error",
        "the proxy answers with an error of its own: {received}",
        '"500 Internal Server Error"',
        "Nginx answers so if the subrequest of auth_request is redirected or not found, or if error_page leads into "
        "a cycle. Write `location = {prefix}/auth` with `proxy_pass` to the gate's {prefix}/auth (not to sign_in or "
        "start), and proxy `location {prefix}/` without auth_request; the error log of Nginx has the reason",
        NOT_PROXIED,
        (
            *_SUBREQUEST,
            *GATE_PATHS,
            "nginx_error_page_protected",
            "live_not_proxied",
            "live_gate_down",
        ),
    ),
    Cause(
        "live_gateway",
        "error",
        "the proxy gets no answer: {received}",
        '"502 Bad Gateway", "503" or "504 Gateway Time-out"',
        "does the gate run (oidc-gate serve), at the address in proxy_pass?",
        "nginx.md",
        ("live_gate_down",),
    ),
    Cause(
        "live_gate_down",
        "error",
        "the proxy does not reach the gate: {received}",
        "an error page of the proxy instead of the sign-in page",
        "start `oidc-gate serve`, and compare its address with proxy_pass in `location {prefix}/`",
        "nginx.md",
    ),
    Cause(
        "live_not_found",
        "error",
        "the page does not exist for an anonymous user: {received}",
        '"404 Not Found" instead of the sign-in page',
        "is the address right? If it is: does `error_page 401 = {prefix}/sign_in;` lead to a location that proxies "
        "{prefix}/ to the gate?",
        NOT_PROXIED,
        ("nginx_prefix_stripped", "live_not_proxied", "nginx_error_page_unknown"),
    ),
    Cause(
        "live_other",
        "error",
        "an anonymous user gets neither the sign-in page nor a redirect to it: {received}",
        "an error page",
        "compare the configuration of the proxy with what oidc-gate nginx prints",
        "nginx.md",
        ("live_not_proxied",),
    ),
    Cause(
        "live_json",
        "error",
        "a browser gets the gate's JSON for scripts instead of the sign-in page: {received}",
        "a line of JSON",
        "a proxy removes the headers Accept and Sec-Fetch-*: remove `proxy_pass_request_headers off;` from the "
        "location of {prefix}/sign_in",
        "troubleshooting.md#json-instead-of-the-sign-in-page",
        ("nginx_error_page_unknown", "nginx_prefix_stripped"),
    ),
    Cause(
        "live_sign_in_200",
        "warning",
        "the sign-in page comes with the status 200: {received}",
        "not at all; scripts, caches and search engines take it for the page",
        "write `error_page 401 = {prefix}/sign_in;`, with a space after the equals sign and no status",
        "nginx.md",
        ("nginx_error_page_status",),
    ),
    Cause(
        "live_cached",
        "error",
        "a cache stores refusals: {received}",
        "a user who has signed in still sees the sign-in page, until the cache forgets it",
        "remove `proxy_cache`, `expires` and `add_header Cache-Control` for status 401 and 403, or exclude the path "
        "from the CDN's cache",
        "nginx.md",
    ),
    Cause(
        "live_script_redirected",
        "warning",
        "a script without a session is redirected: {received}",
        "an application whose session has ended shows a network error (CORS)",
        "let the API have a location of its own with `error_page 401 = {prefix}/sign_in;`, which answers scripts "
        "with JSON",
        "front-ends.md",
        ("nginx_error_page_url",),
    ),
    Cause(
        "live_script_page",
        "warning",
        "a script without a session gets a page instead of JSON: {received}",
        "an application whose session has ended fails to read the answer",
        "pass the headers Accept and Sec-Fetch-* on to {prefix}/sign_in",
        "front-ends.md",
    ),
    Cause(
        "live_socket",
        "error",
        "an anonymous client can open a WebSocket: {received}",
        "not at all",
        "write `auth_request {prefix}/auth;` in the location of the WebSocket too",
        "nginx.md",
        (*_UNGUARDED, "live_open"),
    ),
    Cause(
        "live_forged",
        "error",
        "identity headers that a client sends reach the application: {received}",
        "not at all: any client can be any user",
        "set each identity header in the location of the page: `proxy_set_header X-Forwarded-User $oidc_user;`, and "
        "the others of the file that oidc-gate nginx prints with an empty value",
        "nginx.md",
        (
            "nginx_headers_lost",
            "nginx_identity_forgeable",
        ),
    ),
    Cause(
        "live_junk_cookie",
        "error",
        "a made-up session cookie opens the page: {received}",
        "not at all: any client can enter",
        "a cache of verdicts, or a rule of the proxy, looks at the presence of the cookie: let proxy_cache_key "
        "contain the whole cookie, and ask the gate about every request",
        "nginx.md",
        ("nginx_verdict_cache",),
    ),
    Cause(
        "live_junk_cookie_fails",
        "error",
        "a session cookie that cannot be opened leads to an error: {received}",
        "users whose session has ended see an error instead of the sign-in page",
        "the log of the gate and the error log of the proxy have the reason",
        "troubleshooting.md",
        (
            "live_own_500",
            "live_gateway",
            "live_gate_down",
            "live_not_proxied",
            "live_own_401",
            "nginx_auth_request_query",
            "nginx_named_location_missing",
            "nginx_error_page_unknown",
        ),
    ),
    Cause(
        "live_post",
        "error",
        "an anonymous POST is not refused, as a GET is: {received}",
        "not at all: a client changes data without a sign-in",
        "remove `limit_except` and maps of $request_method around `auth_request`",
        "nginx.md",
    ),
)
