"""Causes in the configuration of Nginx: the requests to the application and to the gate's pages."""

from __future__ import annotations

from ..findings import Cause

_PRINT = (
    "write `proxy_set_header Cookie $oidc_other_cookies;` in `{location}`, with the map of $oidc_other_cookies that "
    "`oidc-gate nginx` prints for these settings"
)

NGINX_REQUESTS = (
    Cause(
        "nginx_identity_from_client",
        "error",
        "`{location}` takes the identity from a header of the client",
        "not at all: any user can be any other",
        "write `{from_gate}` and `{to_application}`",
        "nginx.md",
    ),
    Cause(
        "nginx_auth_request_set_missing",
        "error",
        "`{location}` takes a header from $upstream_http_..., which is empty there",
        "the application does not know who the user is",
        "write `{from_gate}` and `{to_application}`",
        "nginx.md",
    ),
    Cause(
        "nginx_cookies_passed",
        "warning",
        "`{location}` passes the gate's cookies to the application",
        "not at all: the session is in the logs and error reports of the application, from where it can be used",
        _PRINT,
        "nginx.md",
        ("nginx_headers_lost",),
    ),
    Cause(
        "nginx_cookies_left",
        "warning",
        "`{location}` passes some of the gate's cookies to the application: {names}",
        "not at all: the application receives cookies that are of no use to it, in its logs too",
        _PRINT,
        "nginx.md",
    ),
    Cause(
        "nginx_cookies_lost",
        "error",
        "`{location}` hides cookies from the application that are not the gate's: {names}",
        "the application forgets what it has set in a cookie",
        _PRINT,
        "nginx.md",
    ),
    Cause(
        "nginx_add_header_lost",
        "warning",
        "`{location}` replaces the add_header Set-Cookie of the block around it: Nginx inherits all of them "
        "or none",
        "active users have to sign in again after session_idle_seconds",
        "repeat `add_header Set-Cookie $oidc_cookie always;` beside this line",
        "nginx.md",
    ),
    Cause(
        "nginx_websocket",
        "warning",
        "`{location}` passes Upgrade on, without `Connection` or without HTTP/1.1",
        "WebSockets do not connect",
        "write `proxy_http_version 1.1;` and `proxy_set_header Connection $oidc_connection;` in `{location}`, "
        "with the map of $oidc_connection that oidc-gate nginx prints",
        "nginx.md",
    ),
    Cause(
        "nginx_websocket_timeout",
        "warning",
        "`{location}` closes a WebSocket in which the application is silent for 60 seconds",
        "WebSockets close after a minute",
        "write `proxy_read_timeout 1h;` in `{location}`",
        "nginx.md",
    ),
    Cause(
        "nginx_event_stream",
        "warning",
        "`{location}` collects the answers of the application in buffers",
        "events arrive late, or only when the stream ends",
        "write `proxy_buffering off;` in `{location}`",
        "nginx.md",
    ),
    Cause(
        "nginx_body_size",
        "error",
        "`{location}` allows {size}, and `{auth}` only {auth_size}, which Nginx applies to the same request",
        '"413 Request Entity Too Large" for uploads of more than {auth_size}',
        "write `client_max_body_size {size};` in the server block instead",
        "nginx.md",
    ),
    Cause(
        "nginx_rewrite_before",
        "error",
        "`{location}` leads to `{target}` before auth_request, and that has none",
        "no sign-in is asked for",
        "write `auth_request {prefix}/auth;` in `{target}`, or end the rewrite with `break`",
        "nginx.md",
    ),
    Cause(
        "nginx_open_by_suffix",
        "warning",
        "`{location}` passes requests to an application without asking the gate, for any path that matches",
        "not at all: a client can add such a suffix to the path of a protected page",
        "write auth_request in it, let the expression begin with ^ and a folder, or use a location by prefix",
        "nginx.md",
    ),
    Cause(
        "nginx_open_beside",
        "warning",
        "`{location}` passes requests to the protected application without asking the gate",
        "no sign-in is asked for below this path",
        "write `auth_request {prefix}/auth;` and the error_page in it; if it is meant to be public, "
        "`auth_request off;`",
        "nginx.md",
    ),
    Cause(
        "nginx_cookie_changed",
        "error",
        "`{location}` changes the gate's cookies, which a browser then refuses",
        'after the sign-in: "This sign-in cannot be finished here" (flow_missing)',
        "remove the line, or write it in the location of the application",
        "troubleshooting.md#the-cookie-is-dropped",
    ),
    Cause(
        "nginx_http_and_https",
        "warning",
        "one server block serves http and https, and the gate's cookies are for https alone",
        "with http, the sign-in page again, without end",
        "write a server block for http with `return 308 https://$host$request_uri;`",
        "nginx.md",
    ),
    Cause(
        "nginx_proto_wrong",
        "error",
        "`{location}` tells the gate that the request came with http, and it came with TLS",
        "the provider refuses the redirect URI, which has http",
        "write `proxy_set_header X-Forwarded-Proto $scheme;`, or set public_url",
        "nginx.md",
    ),
    Cause(
        "nginx_header_buffers",
        "warning",
        "`{location}` is less than Nginx's default, and too small for large cookies",
        '"400 Request Header Or Cookie Too Large"',
        "write `large_client_header_buffers 4 16k;` in the server block",
        "nginx.md",
    ),
    Cause(
        "nginx_keepalive",
        "warning",
        "the keepalive of {upstream} has no effect in `{location}`",
        "pages are slower under load, because each request opens a connection to the gate",
        'write `proxy_http_version 1.1;` and `proxy_set_header Connection "";` in `{location}`',
        "nginx.md",
    ),
)
