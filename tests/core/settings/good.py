"""Settings without a problem."""

from __future__ import annotations

from typing import Any

from .cases import CERTIFICATE, FAPI2, HTTP, JWK, KEY, PEM, SECRET, SIGNED

GOOD_CHANGES: list[dict[str, Any]] = [
    {},
    *(
        {"issuer": url}
        for url in ("http://localhost:8080/realms/x", "http://op.localhost", "http://127.1.2.3/")
    ),
    *({"issuer": url} for url in ("http://[::1]:8080", "https://op.example.com/", "https://10.0.0.1:8443/a")),
    {"issuer": "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"},
    {"issuer": "https://login.microsoftonline.com/tfp/corp.onmicrosoft.com/b2c_1_x/v2.0"},
    *(
        {"public_url": f"https://a.example{path}"}
        for path in ("/callbacks", "/xoauth2", "/oauth2/a/b", "/callback/x")
    ),
    *(
        {"issuer": f"https://op.example.com{path}"}
        for path in ("/oauth2/default", "/auth", "/tokens", "/auth/realms/x", "/oauth2", "/v1")
    ),
    {"prefix": "/callback"},
    {"public_url": "https://a.example:65535", "allowed_redirect_hosts": ["a.example:65535", "[::1]:1"]},
    {"issuer": "https://accounts.google.com", "allowed_emails": "a@corp.com"},
    {"issuer": "https://accounts.google.com", "allowed_email_domains": "corp.com"},
    {"issuer": "https://accounts.google.com", "allowed_groups": "staff"},
    {"issuer": "https://accounts.google.com", "allow_everyone": True},
    {"issuer": "https://gitlab.com.corp.com"},
    {"client_secret": None},
    {"client_secret": None, "client_auth": "none"},
    {"application_name": "x" * 100, "client_id": "x" * 101},
    KEY,
    KEY | {"client_private_key": JWK},
    KEY | {"client_certificate": CERTIFICATE},
    KEY | {"client_secret": "for HS256" * 4, "id_token_algorithms": "HS256"},
    KEY | {"client_secret": "for HS256" * 4, "id_token_signed_response_alg": "HS256"},
    {"id_token_algorithms": ["ES256", "RS256"], "id_token_signed_response_alg": "RS256"},
    FAPI2 | {"id_token_signed_response_alg": "ES256"},
    {"client_private_key": PEM, "client_auth": "client_secret_basic", "signed_request_objects": True},
    {"client_secret": None, "client_certificate": CERTIFICATE, "client_certificate_key": CERTIFICATE},
    {"id_token_decryption_key": PEM},
    {"max_age_seconds": 0, "clock_skew_seconds": 0, "provider_timeout_seconds": 0.5},
    {"authorization_params": {"hd": "corp.com", "ui_locales": "de en"}},
    {
        "public_paths": [
            "/",
            "/a/",
            "/*",
            "OPTIONS /*",
            "/a/b/*",
            "GET /ä",
            "/oauth2x",
            "/.well-known/x",
            "/Foo_(bar)",
        ]
    },
    {"allowed_emails": ["o'brien+x@corp.com", "a@bücher.example"]},
    {"allowed_email_domains": ["corp.com", "*.corp.com", "bücher.example"]},
    {"groups_claim": "resource_access.my-client.roles"},
    {"groups_claim": "https://corp.com/claims/groups"},
    {"groups_claim": "cognito:groups"},
    {"cookie_domain": "corp.com", "public_url": "https://app.corp.com:8443/x"},
    {"cookie_domain": "corp.com", "public_url": "https://corp.com"},
    {"after_sign_out_url": "/"},
    {"after_sign_out_url": "/goodbye/?a=b#c"},
    {"after_sign_out_url": "https://www.example.com"},
    {"after_sign_out_url": "https://www.example.com/de/tsch%C3%BCss?from=https://app.example.com/oauth2/x"},
    {"after_sign_out_url": "/oauth2-docs/"},
    {"after_sign_out_url": "http://localhost:8000/"},
    {"insecure_cookies": True, "public_url": "http://app.corp.com", "allowed_origins": "http://b.corp.com"},
    {"response_mode": "form_post", "cookie_samesite": "None"},
    {"original_uri_header": "X-Uri", "original_method_header": "X-Method", "trusted_proxies": "unix"},
    FAPI2,
    # the ends of ranges
    *({"session_lifetime_seconds": seconds} for seconds in (60, 2_592_000)),
    {"session_lifetime_seconds": 600, "session_idle_seconds": 600},
    {"session_lifetime_seconds": 600, "session_idle_seconds": 599},
    *({"revocation_lag_seconds": seconds} for seconds in (0.2, 60)),
    {"metrics_token": SECRET[:20]},
    {"metrics_token": SECRET + "==", "metrics_directory": "/run/oidc_gate"},
    {"cookie_secret": "abcde" * 9},
    {"client_secret": "s" * 32, "id_token_algorithms": "HS256"},
    {"client_secret": "ß" * 16, "id_token_algorithms": "HS256"},
    *({"cookie_name": name} for name in ("x", "x" * 40, "host-a")),
    # what follows from other settings
    {"session_store": "redis://a", "refresh": True, "recheck_seconds": 300, "refresh_required": True},
    {"session_store": "redis://a", "recheck_seconds": 300, "refresh_required": True},
    {"session_store": "redis://a", "refresh": True, "refresh_required": True},
    {"session_store": "redis://a", "keep_id_token": False},
    {"revocation_store": "redis://a", "keep_id_token": True, "revoke_tokens": False},
    {"issuer": "https://accounts.google.com", "allow_everyone": True, "revoke_tokens": True},
    {"insecure_cookies": True, "cookie_domain": "a.corp.com", "public_url": "http://x.a.corp.com/base/"},
    {"insecure_cookies": True, "after_sign_out_url": "http://www.example.com/"},
    HTTP | {"after_sign_out_url": "http://[::1]:8000/a", "allowed_origins": ["http://127.0.0.1:8000"]},
    *(
        FAPI2 | {"client_private_key_alg": name, SIGNED: name, "pushed_authorization_requests": "auto"}
        for name in ("PS256", "ES256", "EdDSA", "Ed25519")
    ),
    FAPI2 | {"id_token_algorithms": ["ES256"]},
    *(
        {"fapi2": True, "client_secret": None, "client_certificate": CERTIFICATE, "client_auth": method}
        for method in ("tls_client_auth", "self_signed_tls_client_auth")
    ),
    *({"client_auth": f"client_secret_{method}"} for method in ("basic", "post", "jwt")),
    KEY
    | {"client_auth": "private_key_jwt", "client_private_key_alg": "RS256", "client_private_key_kid": "a"},
    KEY | {"client_private_key": JWK.replace("EC", "RSA")},
    KEY | {"client_private_key": JWK.replace("EC", "OKP"), "id_token_decryption_key": f"\n{JWK}\n"},
    KEY | {"client_private_key": PEM.replace("PRIVATE", "RSA PRIVATE")},
    # URLs
    *(
        {"issuer": f"https://{host}/x"}
        for host in ("github.com.example", "sts.windows.net", "b.login.live.com")
    ),
    {"issuer": "https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dac/"},
    {"issuer": "https://sts.windows.net/Xcommon/"},
    {"issuer": "https://login.microsoftonline.us/8EAEF023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"},
    {"issuer": "https://login.microsoftonline.com:8443/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"},
    *({"public_url": f"https://a.example{path}"} for path in (":8443", ":443/", "/a-b_c.d~/e/")),
    {"public_url": "http://localhost:80/"},
    *({"public_url": f"https://a.example{path}"} for path in ("/X/", "/oauth2/a/X", "/oauth2/a/X/")),
    {"issuer": "https://login.microsoftonline.com/corp.onmicrosoft.com/X"},
    {"public_url": "https://a.example/oauth2/b/oauth2x", "prefix": "/auth/gate"},
    {"trusted_proxies": ["10.0.0.5", "2001:db8::/32", "0.0.0.0/1", "unix"]},
    {"original_uri_header": "X" * 100, "original_method_header": "x-!#$%", "trusted_proxies": "::1"},
    {
        "allowed_redirect_hosts": [
            "A.example",
            "*.b.example",
            "*.c.example:1",
            "*.localhost",
            "*.localhost:8000",
            "localhost",
            "[::1]",
            "a.b.c.d.e:65535",
        ]
    },
    {"allowed_origins": ["https://a.example:8443", "http://localhost:3000", "https://[::1]"]},
    {"public_paths": ["PUT /a", "PROPFIND /a/*", "/a~b", "/oauth2-docs/*", "/a/oauth2", "/GET"]},
    {"allowed_emails": ["a" * 64 + "@corp.com", '"@corp.com'], "allowed_email_domains": ["*.a.corp.com"]},
    {"user_claim": "a" * 200, "email_claim": "https://corp.com/email", "groups_claim": "a.b.c"},
    {"acr_values": "a b", "scopes": "openid a:b/c!~", "authorization_params": {"a": "ä b", "b": ""}},
]
"""Settings without a problem."""
