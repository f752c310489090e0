"""Further ways to break the recommended file for Nginx: by cause, texts of the file and what stands there instead."""

from __future__ import annotations

from pathlib import Path

GOOD = (Path(__file__).parents[4] / "docs/nginx/sign-in-page.conf").read_text()

ERROR_PAGE = "error_page 401 = /oauth2/sign_in;"
REFUSED = "error_page 403 /oauth2/sign_in;"
FAILED = "error_page 500 =503 /oauth2/unavailable;"
ADMIN = "location /admin/ {"
PUBLIC = "location /public/ {\n            auth_request off; "
CALLBACK = "location /oauth2/ {\n        proxy_pass http://oidc_gate;"
AUTH = "location = /oauth2/auth {\n        internal;\n        proxy_pass http://oidc_gate;"
ADMINS = "location = /oauth2/auth_admins {\n        internal;"
PAGES = "location ~ ^/oauth2/(?:sign_in|unavailable)$ {"
USER = "proxy_set_header X-Forwarded-User                   $oidc_user;"
METHOD = "proxy_set_header X-Auth-Request-Method    $oidc_method;"
HTTPS = "listen 443 ssl;"
BODY = "client_max_body_size 100m;"
ROOT = "    location / {\n        auth_request /oauth2/auth;"
CACHE = "proxy_cache verdicts; proxy_cache_key $http_cookie;"
ONE_BY_COOKIE = f"{AUTH}\n        {CACHE}"
ALONE = '        proxy_set_header Connection               "";\n        proxy_set_header Host'

Break = tuple[tuple[str, str], ...]

FURTHER: dict[str, Break] = {
    "nginx_auth_request_query": (
        ("auth_request /oauth2/auth;", "auth_request /oauth2/auth?allowed_groups=a;"),
    ),
    "nginx_auth_cookie_dropped": ((AUTH, f'{AUTH} proxy_set_header Cookie "";'),),
    "nginx_origin_cleared": ((AUTH, f'{AUTH} proxy_set_header Origin "";'),),
    "nginx_auth_not_internal": ((AUTH, AUTH.replace("internal;", "")),),
    "nginx_verdict_cache_set_cookie": (
        (AUTH, f"{ONE_BY_COOKIE} proxy_ignore_headers Set-Cookie Cache-Control;"),
    ),
    "nginx_verdict_cache_path": ((AUTH, f"{ONE_BY_COOKIE} proxy_set_header X-Original-URI $request_uri;"),),
    "nginx_verdict_cache_shared": ((AUTH, ONE_BY_COOKIE), (ADMINS, f"{ADMINS} {CACHE}")),
    "nginx_verdict_cache_long": ((AUTH, f"{ONE_BY_COOKIE} proxy_cache_valid 202 10m;"),),
    "nginx_rule_by_request_uri": (
        ("server {\n    listen 443", "map $request_uri $groups { ~^/a admins; }\nserver {\n    listen 443"),
        ("auth?allowed_groups=admins", "auth?allowed_groups=$groups"),
    ),
    "nginx_named_location_missing": ((ERROR_PAGE, "error_page 401 = @nowhere;"),),
    "nginx_error_page_unknown": ((ERROR_PAGE, "error_page 401 = /oauth2/login;"),),
    "nginx_error_page_redirects": ((ERROR_PAGE, "error_page 401 =403 /oauth2/start;"),),
    "nginx_error_page_302": ((ERROR_PAGE, "error_page 401 =302 /oauth2/sign_in;"),),
    "nginx_refused_redirected": ((REFUSED, "error_page 403 = /oauth2/start;"),),
    "nginx_failure_to_sign_in": ((FAILED, "error_page 500 = /oauth2/start;"),),
    "nginx_method_of_error_page": ((METHOD, METHOD.replace("$oidc_method", "$request_method")),),
    "nginx_identity_from_client": ((USER, USER.replace("$oidc_user", "$http_x_forwarded_user")),),
    "nginx_auth_request_set_missing": (
        (USER, USER.replace("$oidc_user", "$upstream_http_x_auth_request_user")),
    ),
    "nginx_cookies_passed": (("proxy_set_header Cookie             $oidc_other_cookies;", ""),),
    "nginx_cookies_left": (("body2?|rounds", "body2?"),),
    "nginx_cookies_lost": (("|flow[0-7]))?", "|flow[0-7]))?[^=;]*"),),
    "nginx_add_header_lost": ((ADMIN, f"{ADMIN} add_header X-Frame-Options DENY;"),),
    "nginx_websocket": (("proxy_set_header Connection         $oidc_connection;", ""),),
    "nginx_websocket_timeout": (("proxy_read_timeout 1h;", ""),),
    "nginx_event_stream": (
        (ADMIN, "location /events { proxy_buffering on; proxy_pass http://application; }\n" + ADMIN),
    ),
    "nginx_body_size": ((BODY, ""), (ROOT, f"{ROOT} client_max_body_size 100m;")),
    "nginx_rewrite_before": (
        (ADMIN, f"{ADMIN} rewrite ^/admin/(.*)$ /open/$1 last;"),
        (ROOT, f"    location /open/ {{ auth_request off; proxy_pass http://application; }}\n{ROOT}"),
    ),
    "nginx_open_by_suffix": ((ROOT, f"    location ~ \\.js$ {{ proxy_pass http://application; }}\n{ROOT}"),),
    "nginx_open_beside": ((ROOT, f"    location /api/ {{ proxy_pass http://application; }}\n{ROOT}"),),
    "nginx_cookie_changed": ((CALLBACK, f"{CALLBACK} proxy_cookie_path / /app/;"),),
    "nginx_http_and_https": ((HTTPS, f"{HTTPS}\n    listen 80;"),),
    "nginx_header_buffers": (("large_client_header_buffers 4 16k;", "large_client_header_buffers 4 4k;"),),
    "nginx_keepalive": ((ALONE, "        proxy_set_header Host"),),
}


def apply(text: str, changes: Break) -> str:
    """Return the text with the changes.

    Raises:
        ValueError: A change does not fit, because another one has changed the same line.
    """
    for old, new in changes:
        if old not in text:
            raise ValueError(f"not in the text: {old}")
        text = text.replace(old, new)
    return text
