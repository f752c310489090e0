"""Valid settings, and every way to spoil them: what to change, which setting has which problem."""

from __future__ import annotations

from typing import Any

SECRET = "fDXvZ0rQY1xk3s9KJb7mTg5uWn2hE8aLcRpO4yViM6s"
OTHER = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n"
JWK = '{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}'
CERTIFICATE = __file__  # any file that can be read


def id_of(value: object) -> str:
    """Name a case of a table by its text, wherever the checkout is."""
    return repr(value).replace(CERTIFICATE, "CERTIFICATE")[:60]


GOOD: dict[str, Any] = {
    "issuer": "https://op.example.com",
    "client_id": "app",
    "client_secret": "not so secret",
    "cookie_secret": SECRET,
}
KEY: dict[str, Any] = {"client_secret": None, "client_private_key": PEM}
HTTP: dict[str, Any] = {"public_url": "http://localhost:8000"}
FAPI2: dict[str, Any] = KEY | {"fapi2": True}

SIGNED = "id_token_signed_response_alg"

Case = tuple[dict[str, Any], str, str]


def each(setting: str, code: str, *values: Any) -> list[Case]:
    return [({setting: value}, setting, code) for value in values]


TYPES: list[Case] = [
    *each("client_id", "wrong_type", 3, b"app", True, ["app"]),
    *each("cookie_secret", "wrong_type", 3, b"x" * 43, [SECRET, 3], {SECRET: 1}),
    *each("prefix", "wrong_type", None),
    *each("dpop", "wrong_type", 1, "true", None),
    *each("session_lifetime_seconds", "wrong_type", "3600", 3600.0, True, None),
    *each("provider_timeout_seconds", "wrong_type", "5", True),
    *each("authorization_params", "wrong_type", {"hd": 1}, [("a", "b")], "a=b"),
    *each("public_paths", "wrong_type", [b"/a"], None),
    *each("cookie_samesite", "wrong_type", None),
]
GENERAL: list[Case] = [
    *each("issuer", "missing", ""),
    *each("client_id", "missing", ""),
    *each("cookie_secret", "missing", ()),
    *each("client_secret", "empty", "", "  "),
    *each("public_url", "empty", ""),
    *each("allowed_groups", "blank_item", [""], ["a", " "]),
    *each("client_secret", "outer_space", "s\n", " s"),
    *each("cookie_secret", "outer_space", SECRET + "\n"),
    *each("client_id", "control_character", "a\nb", "a\x00b", "a\x7fb", "a\x85b", "a\ud800b"),
    *each("application_name", "too_long", "x" * 101),
    *each("session_lifetime_seconds", "out_of_range", 59, 2592001, -1),
    *each("session_idle_seconds", "out_of_range", 0),
    *each("clock_skew_seconds", "out_of_range", -1, 301),
    *each("max_age_seconds", "out_of_range", -1, 31536001),
    *each("provider_timeout_seconds", "out_of_range", 0.4, 61, float("nan"), float("inf")),
    *each("session_cache_entries", "out_of_range", 0),
    *each("session_cache_bytes", "out_of_range", 65535),
    *each("client_auth", "not_one_of", "basic", "PRIVATE_KEY_JWT"),
    *each("response_mode", "not_one_of", "fragment", "query.jwt"),
    *each("pushed_authorization_requests", "not_one_of", "true"),
    *each("cookie_samesite", "not_one_of", "lax"),
    *each("ca_file", "file", "/nowhere/ca.pem", "/"),
    *each("ca_file", "file_is_text", "-----BEGIN PRIVATE KEY----- MC4"),
]
PROVIDER: list[Case] = [
    *each(
        "issuer",
        "url_malformed",
        "op.example.com",
        "https://",
        "https://a b",
        "https://[::",
    ),
    *each(
        "issuer",
        "url_malformed",
        "https://op.example.com\\evil.example",
        "https://a..b",
    ),
    *each(
        "issuer", "url_malformed", "https://op.example.com/a b", "https://op.example.com/a\\b", "https://a/^"
    ),
    *each("issuer", "url_malformed", "https://" + "a." * 126 + "example"),
    *each(
        "issuer",
        "url_port",
        "https://a:99999",
        "https://a:0/",
        "https://a:65536",
        "https://a:port/x",
        "https://a:-1",
    ),
    *each(
        "issuer",
        "issuer_endpoint",
        "https://kc.example.com/realms/x/protocol/openid-connect/auth",
        "https://kc.example.com/realms/x/protocol/openid-connect",
        "https://x.okta.com/oauth2/default/v1/authorize",
        "https://op.example.com/authorize",
        "https://op.example.com/oauth2/token/",
        "https://op.example.com/.well-known/",
    ),
    *each("prefix", "prefix_endpoint", "/oauth2/callback", "/a/b/callback"),
    *each(
        "issuer",
        "issuer_entra",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/Organizations/v2.0",
        "https://login.microsoftonline.com/consumers/v2.0/",
        "https://login.microsoftonline.com/common",
        "https://login.microsoftonline.com/corp.onmicrosoft.com/v2.0",
        "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
        "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0/",
        "https://login.microsoftonline.us/",
    ),
    *each("issuer", "url_host", "https://1.2.3.4.5", "https://xn--a.example", "https://127.1"),
    *each("issuer", "url_scheme", "ftp://op.example.com", "file:///etc/passwd"),
    *each("issuer", "url_http", "http://op.example.com", "http://localhost.evil.example", "http://128.0.0.1"),
    *each(
        "issuer",
        "url_http",
        "http://10.0.0.1",
        "http://[::2]",
        "http://xlocalhost",
        "http://127.evil.example",
    ),
    *each("issuer", "url_userinfo", "https://me:pass@op.example.com", "https://me@op.example.com"),
    *each("issuer", "url_query", "https://op.example.com?tenant=1", "https://op.example.com/#x"),
    *each(
        "issuer", "url_placeholder", "https://op.example.com/{tenant}", "https://<host>/", "https://${HOST}/"
    ),
    *each("issuer", "issuer_well_known", "https://op.example.com/a/.well-known/openid-configuration"),
    ({"client_auth": "private_key_jwt", "client_secret": None}, "client_auth", "client_auth_needs"),
    ({"client_auth": "client_secret_jwt", "client_secret": None}, "client_auth", "client_auth_needs"),
    ({"client_auth": "tls_client_auth", "client_secret": None}, "client_auth", "client_auth_needs"),
    (
        {"client_auth": "self_signed_tls_client_auth", "client_secret": None},
        "client_auth",
        "client_auth_needs",
    ),
    ({"client_auth": "none"}, "client_secret", "unused"),
    ({"client_private_key": PEM}, "client_secret", "unused"),
    ({"client_private_key": PEM, "client_auth": "client_secret_post"}, "client_private_key", "unused"),
    ({"client_certificate_key": CERTIFICATE}, "client_certificate_key", "needs"),
    ({"signed_request_objects": True}, "signed_request_objects", "needs"),
    *each("id_token_decryption_key", "key_is_path", "/etc/key.pem", "keys/mine.jwk"),
    *each("id_token_decryption_key", "key_is_public", PEM.replace("PRIVATE", "PUBLIC")),
    *each("id_token_decryption_key", "key_is_public", JWK.replace('"d": "d"', '"use": "sig"')),
    *each("id_token_decryption_key", "key_is_encrypted", PEM.replace("PRIVATE", "ENCRYPTED PRIVATE")),
    *each("id_token_decryption_key", "key_lost_lines", PEM.replace("\n", "\\n"), PEM.replace("\n", " ")),
    *each("id_token_decryption_key", "key_unknown", "secret", "{", "{}", '{"kty": "oct", "k": "x"}', "[" * 9),
    (KEY | {"client_private_key": "hunter2"}, "client_private_key", "key_unknown"),
    *each("scopes", "scope_openid", ["email"], []),
    *each("scopes", "token_characters", ["openid", 'a"b'], ["openid", "a b"], ["openid,email"]),
    *each("acr_values", "token_characters", ["a b"]),
    *[
        ({"authorization_params": {name: "x"}}, "authorization_params", "params_reserved")
        for name in (
            *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge"),
            *("code_challenge_method", "response_mode", "request", "request_uri", "dpop_jkt", "max_age"),
            *("acr_values", "State", "client_secret"),
        )
    ],
    ({"authorization_params": {"hd": "a\nb"}}, "authorization_params", "control_character"),
    *each("id_token_algorithms", "algorithm_none", ["RS256", "none"], ["None"]),
    *each("id_token_algorithms", "algorithm_unknown", ["HS512"], ["RSA1_5"], ["rs256"]),
    *each("id_token_algorithms", "empty", []),
    ({"id_token_algorithms": ["HS256"], "client_secret": None}, "id_token_algorithms", "needs"),
    ({"id_token_algorithms": ["HS256"], "client_secret": "s" * 31}, "id_token_algorithms", "secret_weak"),
    *each("id_token_signed_response_alg", "not_one_of", "none", "NONE", "HS512", "RSA1_5", "es256"),
    ({SIGNED: "HS256", "client_secret": None}, SIGNED, "needs"),
    ({SIGNED: "HS256", "client_secret": "s" * 31}, SIGNED, "secret_weak"),
    ({SIGNED: "RS256", "id_token_algorithms": ["ES256", "PS256"]}, SIGNED, "algorithm_not_listed"),
]
PLACE: list[Case] = [
    *each("public_url", "url_http", "http://app.example.com", "http://localhost.evil.example"),
    *each("public_url", "url_userinfo", "https://me:pass@app.example.com"),
    *each("public_url", "url_query", "https://app.example.com/?a", "https://app.example.com/#a"),
    *each("after_sign_out_url", "url_malformed", "goodbye", "//evil.example", "javascript:alert(1)"),
    *each(
        "after_sign_out_url", "url_path", "/a//b", "/../a", "/a\\b", "/a b", "/ü", "https://a.example/x/../y"
    ),
    *each("after_sign_out_url", "url_http", "http://www.example.com/bye?x=1"),
    *each("after_sign_out_url", "url_userinfo", "https://me:pass@www.example.com/"),
    *each(
        "after_sign_out_url",
        "after_sign_out_endpoint",
        "/oauth2/start",
        "/base/oauth2",
        "https://a.example/oauth2/x",
    ),
    *each("public_url", "url_scheme", "ws://app.example.com"),
    *each("public_url", "url_port", "https://app.example.com:0", "https://app.example.com:65536/x"),
    *each(
        "public_url",
        "url_endpoint",
        "https://app.example.com/oauth2",
        "https://app.example.com/oauth2/",
        "https://app.example.com/base/oauth2/callback",
        "https://app.example.com/oauth2/sign_in",
        "https://app.example.com/oidc/callback",
        "https://app.example.com/callback/",
    ),
    ({"public_url": "https://a.example/gate", "prefix": "/gate"}, "public_url", "url_endpoint"),
    *each(
        "public_url",
        "url_malformed",
        "app.example.com",
        "/base",
        "https://a_b-\u2100/",
    ),
    *each(
        "public_url", "url_path", "https://a.example/b//c", "https://a.example/../b", "https://a.example/%2e"
    ),
    ({"public_url": "https://a.example", "insecure_cookies": True}, "insecure_cookies", "insecure_needless"),
    *each(
        "prefix",
        "prefix_malformed",
        "/",
        "oauth2",
        "/oauth2/",
        "/a//b",
        "/a/../b",
        "/.",
        "/a b",
        "/a;b",
        "/ä",
    ),
    *each("trusted_proxies", "network_malformed", ["*"], ["proxy"], ["10.0.0.1/8"], ["10.0.0"], ["Unix"]),
    *each("trusted_proxies", "network_everything", ["0.0.0.0/0"], ["::/0"], ["10.0.0.1", "0.0.0.0/0"]),
    (
        {"original_uri_header": "X-Original-URI", "trusted_proxies": "unix"},
        "original_uri_header",
        "needs",
    ),
    (
        {"original_method_header": "X-Original-Method", "trusted_proxies": "unix"},
        "original_method_header",
        "needs",
    ),
    (
        {"original_uri_header": "X Y", "original_method_header": "X-M", "trusted_proxies": "unix"},
        "original_uri_header",
        "header_malformed",
    ),
    (
        {"original_uri_header": "X-M", "original_method_header": "x-m", "trusted_proxies": "unix"},
        "original_method_header",
        "header_same",
    ),
    *each(
        "allowed_redirect_hosts",
        "host_malformed",
        "https://a.example",
        "a/b",
    ),
    *each(
        "allowed_redirect_hosts", "host_malformed", ".a.example", "::1", "a@b.example", "a.*.example", "1.2.3"
    ),
    *each(
        "allowed_redirect_hosts",
        "url_port",
        "a.example:0",
        "a.example:70000",
        "*.a.example:65536",
        "[::1]:x",
        "a:",
    ),
    *each("allowed_origins", "url_port", "https://a.example:70000", "https://a.example:0"),
    *each("allowed_redirect_hosts", "host_too_wide", "*", "*.com", "*.*"),
    *each(
        "allowed_origins", "origin_malformed", "*", "a.example", "https://a.example/", "https://*.a.example"
    ),
    *each("allowed_origins", "url_http", "http://a.example"),
    *each("allowed_origins", "url_scheme", "ws://a.example"),
]
DEMO_USERS: list[Case] = [
    *each("public_paths", "path_no_slash", "static", "GET static", "GET"),
    *each("public_paths", "path_method", "get /a", "Get /a", "GET2 /a"),
    *each("public_paths", "path_is_url", "https://app.example.com/a", "GET https://app.example.com/a"),
    *each("public_paths", "path_query", "/a?x=1", "/a#x"),
    *each("public_paths", "path_star", "/a*", "/a/*/b", "/*/*", "/a/**", "/*a"),
    *each(
        "public_paths", "path_pattern", "^/a", "/a$", "/a/.+", "/(a|b)", "/[a]", "/{id}", "/<id>", "*", ".*"
    ),
    *each(
        "public_paths", "path_never", "/%41", "/a;b", "/a//b", "/a/../b", "/a/.", "/a b", "GET  /a", "/a\\"
    ),
    *each("public_paths", "path_own", "/oauth2", "/oauth2/auth", "GET /oauth2/*"),
    ({"public_paths": "/gate/x", "prefix": "/gate"}, "public_paths", "path_own"),
    *each(
        "allowed_emails",
        "email_malformed",
        "ada",
        "a@b@corp.com",
        "@corp.com",
        "a@",
        "a b@corp.com",
        "a@.com",
    ),
    *each(
        "allowed_email_domains",
        "domain_malformed",
        "@corp.com",
        ".corp.com",
        "corp.com.",
        "a@corp.com",
        "*corp.com",
    ),
    *each("allowed_email_domains", "domain_everyone", "*", "*.*"),
    ({"allow_everyone": True, "allowed_groups": "staff"}, "allow_everyone", "everyone_and_some"),
    ({"allow_everyone": True, "allowed_emails": "a@corp.com"}, "allow_everyone", "everyone_and_some"),
    ({"allow_everyone": True, "allowed_email_domains": "corp.com"}, "allow_everyone", "everyone_and_some"),
    *[
        ({"issuer": issuer}, "allow_everyone", "world_wide")
        for issuer in (
            "https://accounts.google.com",
            "https://ACCOUNTS.google.com/",
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
            "https://github.com/login/oauth",
            "https://gitlab.com",
            "https://appleid.apple.com",
            "https://www.facebook.com",
            "https://www.linkedin.com/oauth",
        )
    ],
    *each("groups_claim", "claim_path", "a..b", ".a", "a.", "$.a", "a[0]", "/a/b", "a b"),
    *each("user_claim", "claim_path", "a..b"),
    *each("email_claim", "claim_path", "a..b"),
]
SESSION: list[Case] = [
    *each("cookie_secret", "secret_short", SECRET[:42], [SECRET, "short"], ["x"]),
    *each("cookie_secret", "secret_simple", "a" * 50, "abcd" * 20),
    *each("cookie_secret", "secret_example", "change-me-0123456789-0123456789-0123456789-abc"),
    *each("cookie_secret", "secret_repeated", [SECRET, SECRET]),
    ({"client_secret": OTHER, "cookie_secret": [SECRET, OTHER]}, "cookie_secret", "secret_shared"),
    (
        {"session_idle_seconds": 7200, "session_lifetime_seconds": 7199},
        "session_idle_seconds",
        "idle_over_lifetime",
    ),
    *each(
        "session_store", "store_url", "sqlite:///x.db", "redis://:hunter2@", "memory", "memory://", "Cookie"
    ),
    *each(
        "revocation_store", "store_url", "cookie", "memory://", "sqlite://x", "redis://host:port", "mysql://x"
    ),
    ({"session_store": "redis://a", "revocation_store": "redis://b"}, "revocation_store", "unused"),
    *each("refresh", "needs_store", True),
    *each("recheck_seconds", "needs_store", 300),
    *each("recheck_seconds", "out_of_range", -1, 86_401),
    *each("access_token_min_seconds", "out_of_range", -1, 3_601),
    *each("refresh_required", "unused", True),
    *each("revocation_lag_seconds", "out_of_range", 0, 0.1, 61),
    *each("cookie_name", "cookie_name_malformed", "a b", "a=b", "a;b", "x" * 41, "ä"),
    *each("cookie_name", "cookie_name_prefixed", "__Host-a", "__secure-a"),
    *each(
        "cookie_domain",
        "cookie_domain_malformed",
        ".corp.com",
        "com",
        "localhost",
        "10.0.0.1",
        "https://corp.com",
    ),
    (
        {"cookie_domain": "corp.com", "public_url": "https://badcorp.com"},
        "cookie_domain",
        "cookie_domain_elsewhere",
    ),
    (
        {"cookie_domain": "corp.com", "public_url": "https://corp.com.evil.example"},
        "cookie_domain",
        "cookie_domain_elsewhere",
    ),
    (
        {"cookie_domain": "a.corp.com", "public_url": "https://corp.com"},
        "cookie_domain",
        "cookie_domain_elsewhere",
    ),
    (HTTP | {"cookie_samesite": "None"}, "cookie_samesite", "needs_secure"),
    ({"insecure_cookies": True, "cookie_samesite": "None"}, "cookie_samesite", "needs_secure"),
    (HTTP | {"response_mode": "form_post"}, "response_mode", "needs_secure"),
    ({"insecure_cookies": True, "response_mode": "form_post"}, "response_mode", "needs_secure"),
]
PROFILE: list[Case] = [
    (FAPI2 | {"issuer": "http://localhost"}, "issuer", "fapi2"),
    (FAPI2 | HTTP, "public_url", "fapi2"),
    (FAPI2 | {"insecure_cookies": True}, "insecure_cookies", "fapi2"),
    (FAPI2 | {"pushed_authorization_requests": "never"}, "pushed_authorization_requests", "fapi2"),
    (FAPI2 | {"response_mode": "form_post"}, "response_mode", "fapi2"),
    (FAPI2 | {"id_token_algorithms": ["PS256", "RS256"]}, "id_token_algorithms", "fapi2"),
    (FAPI2 | {SIGNED: "RS256"}, SIGNED, "fapi2"),
    (FAPI2 | {"client_private_key_alg": "RS256"}, "client_private_key_alg", "fapi2"),
    ({"fapi2": True}, "client_auth", "fapi2"),
    ({"fapi2": True, "client_auth": "client_secret_jwt"}, "client_auth", "fapi2"),
    ({"fapi2": True, "client_secret": None}, "client_auth", "fapi2"),
]
METRICS: list[Case] = [
    *each("metrics_token", "metrics_token_short", "x", SECRET[:19]),
    *each(
        "metrics_token", "metrics_token_characters", SECRET + " x", SECRET + "é", SECRET + ":", SECRET + "=x"
    ),
    *each("metrics_token", "metrics_token_shared", SECRET),
    ({"client_secret": OTHER, "metrics_token": OTHER}, "metrics_token", "metrics_token_shared"),
    *each("metrics_directory", "metrics_directory_alone", "/run/oidc_gate"),
]
CASES = [*TYPES, *GENERAL, *PROVIDER, *PLACE, *DEMO_USERS, *SESSION, *PROFILE, *METRICS]
FROM_SOURCES = {
    *("unknown", "secret_twice", "secret_file", "config_file", "config_syntax"),
    *(
        "metrics_extra",
        "metrics_directory_unsafe",
    ),  # what is not installed, and what is on disk: tests/shells
    "backend_place",  # only a backend on its own demands it
    "key_unusable",  # found when a shell reads the key: tests/shells
    *("not_boolean", "not_integer", "not_number", "not_pairs"),
}
"""Codes that values alone cannot bring about: `test_settings_sources` does."""
