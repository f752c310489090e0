"""Causes that can be seen at the gate's endpoints, and at the redirects of a sign-in, through the proxy."""

from __future__ import annotations

from ..findings import Cause
from .live_page import GATE_PATHS, NOT_PROXIED

_DISCOVERY = ("provider_name", "provider_tls", "provider_timeout", "provider_unreachable", "provider_failing")
_DROPPED = "troubleshooting.md#the-cookie-is-dropped"
_PROVIDER = (*_DISCOVERY, "provider_discovery", "provider_issuer", "provider_nothing_in_common")

LIVE_ENDPOINTS = (
    Cause(
        "live_not_proxied",
        "error",
        "the gate's own paths do not lead to the gate: {received}",
        "the proxy's 401, 404 or 500 instead of the sign-in page, or no page after the sign-in",
        "write, in the same server block, `location {prefix}/ {{ proxy_pass http://127.0.0.1:4180; }}`, without a "
        "slash at the end of proxy_pass and without auth_request",
        NOT_PROXIED,
        GATE_PATHS,
    ),
    Cause(
        "live_start",
        "error",
        "the sign-in does not start ({code}): {received}",
        "an error page instead of the provider's sign-in page",
        "run oidc-gate explain {code}",
        "errors.md",
        (
            *GATE_PATHS,
            "nginx_host_missing",
            *_PROVIDER,
            "provider_client",
            "provider_redirect_uri",
            "live_not_proxied",
            "live_gate_down",
        ),
    ),
    Cause(
        "live_loop",
        "error",
        "the redirects are a loop: {url} comes back",
        '"The page isn\'t redirecting properly", or ERR_TOO_MANY_REDIRECTS',
        "the gate's own paths must not be behind auth_request, and http must not lead to https and back",
        "troubleshooting.md#the-loop-page",
        ("url_scheme",),
    ),
    Cause(
        "live_redirect_scheme",
        "error",
        "the redirect URI has another scheme than the page: {redirect_uri}",
        "an error page of the provider, or the sign-in returns to http and its cookie is not sent",
        "write public_url = {origin}; or `proxy_set_header X-Forwarded-Proto https;` in front of TLS, with the "
        "proxy's address in trusted_proxies",
        "nginx.md",
        ("nginx_proto_missing", "public_url_missing", "url_scheme"),
    ),
    Cause(
        "live_redirect_host",
        "error",
        "the redirect URI is on another host than the page: {redirect_uri}",
        "an error page of the provider, or the sign-in ends on another host",
        "write public_url = {origin}, and `proxy_set_header Host $http_host;` in the locations of {prefix}/",
        "nginx.md",
        ("nginx_host_missing", "public_url_missing", "url_elsewhere"),
    ),
    Cause(
        "live_redirect_path",
        "error",
        "the redirect URI is not that of the settings: {redirect_uri}",
        "an error page of the provider",
        "was the gate restarted after the settings had changed? Does the proxy rewrite the path?",
        "nginx.md",
    ),
    Cause(
        "live_other_gate",
        "error",
        "another gate than that of these settings answers: {received}",
        "users sign in at the wrong provider, or as another client",
        "compare the address in proxy_pass with that of the gate; was the gate restarted after the settings had "
        "changed?",
        "nginx.md",
    ),
    Cause(
        "live_no_cookie",
        "error",
        "the redirect to the provider sets no cookie {name}: {received}",
        'after the sign-in: "This sign-in cannot be finished here" (flow_missing)',
        "remove `proxy_hide_header Set-Cookie`, `proxy_ignore_headers Set-Cookie` and `proxy_cache` from the location "
        "{prefix}/; is cookie_name the one of these settings?",
        _DROPPED,
        ("nginx_cookie_hidden", "live_other_gate"),
    ),
    Cause(
        "live_cookie",
        "error",
        "browsers do not send the cookie of the sign-in back: {why}",
        'after the sign-in: "This sign-in cannot be finished here" (flow_missing), or "Sign-in keeps starting '
        'again"',
        "serve the site over https, and remove `proxy_cookie_domain`, `proxy_cookie_path` and `proxy_cookie_flags`; "
        "write cookie_domain as a domain above the host of the page",
        _DROPPED,
        ("url_scheme", "url_elsewhere", "cookie_domain_suffix", "nginx_cookie_changed"),
    ),
    Cause(
        "live_provider_refuses",
        "error",
        "the provider refuses the authorization request of the gate: {received}",
        "an error page of the provider, instead of its sign-in page",
        "compare client_id and the redirect URI with what is registered",
        "errors.md",
        (
            "provider_redirect_uri",
            "provider_client",
            "provider_request",
            "live_redirect_scheme",
            "live_redirect_host",
            "live_redirect_path",
            "live_other_gate",
        ),
    ),
)
