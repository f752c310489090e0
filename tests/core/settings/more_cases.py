"""More ways to spoil settings: the ends of ranges, every entry of a table, and what follows from a problem."""

from __future__ import annotations

from .cases import CASES, CERTIFICATE, FAPI2, JWK, KEY, OTHER, PEM, SECRET, SIGNED, Case, each

MORE: list[Case] = [
    *each("client_id", "wrong_type", 2.5, {"a": "b"}, {"a"}, bytearray(b"a"), object),
    *each("allowed_groups", "wrong_type", 3, {3}, ("a", None), bytearray(b"a")),
    *each("authorization_params", "wrong_type", {3: "a"}, {"a": None}, None, ["a"]),
    *each("session_lifetime_seconds", "wrong_type", [60]),
    *each("provider_timeout_seconds", "wrong_type", [5.0]),
    *each("dpop", "wrong_type", 1.0, [True]),
    *each("application_name", "outer_space", " x", "x\t"),
    *each("provider_name", "too_long", "x" * 101),
    *each("client_auth", "not_one_of", "client-secret-post", "Private.Key.JWT", "secret", "NONE"),
    *each("cookie_samesite", "not_one_of", "strict", "none"),
    ({"client_secret": None, "client_certificate": "/nowhere/c.pem"}, "client_certificate", "file"),
    (
        {"client_secret": None, "client_certificate": "-----BEGIN CERTIFICATE----- MC4"},
        "client_certificate",
        "file_is_text",
    ),
    # the provider
    *each(
        "issuer",
        "issuer_well_known",
        "https://op.example.com/.well-known/oauth-authorization-server/",
        "https://me:pass@op.example.com/.well-known/openid-configuration",
    ),
    *each("issuer", "issuer_endpoint", "https://op.example.com/v2.0/userinfo", "https://a/oauth2/v1/token"),
    *each(
        "issuer",
        "issuer_entra",
        "https://login.partner.microsoftonline.cn/common/v2.0",
        "https://login.microsoftonline.us/organizations/oauth2/v2.0/token",
        "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/oauth2/v2.0/authorize",
    ),
    *each("issuer", "url_malformed", "//op.example.com", "1https://a", "https:///a", "https://a|b/"),
    *each("issuer", "url_userinfo", "https://:@op.example.com", "ftp://me:pass@op.example.com/?x"),
    *each("issuer", "url_query", "https://op.example.com/a?b#c", "https://op.example.com/a#b?c@d"),
    *each("issuer", "url_placeholder", "https://$HOST/", "https://$(host)/", "https://a/}"),
    *each("issuer", "url_placeholder", "https://op.example.com/$tenant", "https://op.example.com/$(tenant)"),
    *each("issuer", "url_http", "http://op.example.com:8080/a"),
    *each("public_url", "url_malformed", "https://:0", "https://:x"),
    *each("public_url", "url_scheme", "ftp://1.2.3"),
    *each("public_url", "url_placeholder", "https://1.2.3/{base}", "https://a.example/$base"),
    *[({name: "a", "client_secret": "s"}, name, "needs") for name in ("client_private_key_kid",)],
    *[({"client_private_key_alg": "ES256"}, "client_private_key_alg", "needs")],
    ({"client_auth": "client_secret_basic", "client_secret": None}, "client_auth", "client_auth_needs"),
    ({"client_auth": "client_secret_post", "client_secret": None}, "client_auth", "client_auth_needs"),
    ({"client_certificate": CERTIFICATE}, "client_secret", "unused"),
    (
        KEY | {"client_auth": "tls_client_auth", "client_certificate": CERTIFICATE},
        "client_private_key",
        "unused",
    ),
    (KEY | {"client_auth": "none"}, "client_private_key", "unused"),
    *each(
        "id_token_decryption_key",
        "key_unknown",
        '["RSA"]',
        JWK.replace("EC", "oct"),
        '{"d": "d"}',
        "x\n.pem",
    ),
    *each(
        "id_token_decryption_key",
        "key_is_path",
        "~/key",
        "./key",
        "key.crt",
        "key.cer",
        "key.der",
        "key.json",
    ),
    *each("id_token_decryption_key", "key_is_public", PEM.replace("PRIVATE KEY", "CERTIFICATE")),
    *each("id_token_decryption_key", "key_lost_lines", PEM.replace("\nMC4", "\\nMC4")),
    (KEY | {"client_private_key": PEM.replace("PRIVATE", "PUBLIC")}, "client_private_key", "key_is_public"),
    *[
        ({"authorization_params": {name: "x"}}, "authorization_params", "params_reserved")
        for name in ("client_assertion", "client_assertion_type", "id_token_hint", "SCOPE", "Response_Mode")
    ],
    ({"authorization_params": {" ": "x"}}, "authorization_params", "not_pairs"),
    ({"authorization_params": {"": "x"}}, "authorization_params", "not_pairs"),
    *each("scopes", "token_characters", ["openid", "a\\b"], ["openid", "ä"]),
    *each("acr_values", "token_characters", ['a"b']),
    (
        {SIGNED: "HS256", "client_secret": "s" * 32, "id_token_algorithms": ["ES256"]},
        SIGNED,
        "algorithm_not_listed",
    ),
    # URLs
    *each("public_url", "url_malformed", "https://a.example\\b", "https://a.example/`", "https://a^b"),
    *each("public_url", "url_path", "https://a.example/b;c", "https://a.example/b/./c"),
    *each("public_url", "url_host", "https://1.2.3.4.5/b"),
    ({"public_url": "https://a.example/b/gate/start/", "prefix": "/gate"}, "public_url", "url_endpoint"),
    ({"public_url": "https://a.example:8443/x/y/callback", "prefix": "/a/b"}, "public_url", "url_endpoint"),
    *each("prefix", "prefix_endpoint", "/a/callback"),
    *each("trusted_proxies", "network_malformed", ["all"], ["any"], ["10.0.0.0/33"], ["::1/8"], ["unix/8"]),
    (
        {"original_uri_header": "X-U", "original_method_header": "X:M", "trusted_proxies": "unix"},
        "original_method_header",
        "header_malformed",
    ),
    (
        {"original_uri_header": "X" * 101, "original_method_header": "X-M", "trusted_proxies": "unix"},
        "original_uri_header",
        "header_malformed",
    ),
    *each(
        "allowed_redirect_hosts",
        "host_malformed",
        "*.*.example.com",
        "a..example",
        "me:p@a.example:1",
    ),
    *each("allowed_redirect_hosts", "host_too_wide", "*.10.0.0.1", "*.", "*.com:8443"),
    *each("allowed_redirect_hosts", "url_port", "a.example:00080"),
    *each("after_sign_out_url", "url_malformed", "https://", "https://a b/", "a/b"),
    *each("after_sign_out_url", "url_scheme", "ftp://www.example.com/"),
    *each("after_sign_out_url", "url_path", "/a`b", "/a?b\\c", "/a?ü"),
    *each(
        "after_sign_out_url", "after_sign_out_endpoint", "/oauth2", "/oauth2?rd=/", "//a.example/oauth2/x"[1:]
    ),
    (
        {"prefix": "/gate", "after_sign_out_url": "https://a.example/b/gate/x#y"},
        "after_sign_out_url",
        "after_sign_out_endpoint",
    ),
    *each("allowed_redirect_hosts", "host_malformed", "2001:db8::a", "*.fe80::a"),
    *each("allowed_origins", "origin_malformed", "https://me:p@a.example/b", "null"),
    *each("allowed_origins", "url_userinfo", "https://me:p@a.example"),
    *each("allowed_origins", "url_query", "https://a.example?x", "https://a.example#x"),
    *each("allowed_origins", "url_malformed", "https://", "https://a b"),
    *each("allowed_origins", "url_http", "http://a.example:8080", "http://128.0.0.1"),
    # access
    *each("public_paths", "path_pattern", "/a(?:b)", "/a\\.b", "a/b|c", "-a", "/a^b"),
    *each("public_paths", "path_no_slash", "a/b", "GET a/b", "7"),
    *each("public_paths", "path_never", "/a\u00a0b", "/./a", "/a/..", "/a%2fb"),
    *each("public_paths", "path_method", "GE /a", "A" * 21 + " /a", "GET\u00a0 /a"),
    *each("public_paths", "path_query", "GET /a?x", "GET /a#x"),
    *each("public_paths", "path_star", "GET /a*", "/**"),
    *each(
        "allowed_emails",
        "email_malformed",
        "a" * 65 + "@corp.com",
        "a\uff20b@corp.com",
        "a@b c.com",
    ),
    *each("allowed_email_domains", "domain_everyone", "*.", "."),
    *each(
        "allowed_email_domains",
        "domain_malformed",
        "@",
        "a@.corp.com.",
        "*@*.corp.com",
        "**",
        "@firm.example",
        "*.*.dept.firm.example.",
        "firm example",
    ),
    (
        {
            "allow_everyone": True,
            "allowed_groups": "a",
            "allowed_emails": "a@corp.com",
            "allowed_email_domains": "a.com",
        },
        "allow_everyone",
        "everyone_and_some",
    ),
    *each("groups_claim", "claim_path", ".", "a" * 201, "a\u00a0b", "a'b", "a*"),
    # the session
    *each(
        "cookie_secret",
        "secret_example",
        *(
            "x" * 3 + f"{word}0123456789-0123456789-0123456789-abc"
            for word in (
                "CHANGEME-",
                "change_me",
                "replace-",
                "REPLACE ",
                "Example",
                "your-cookie",
                "oidc_gate-secret",
                "insert_",
            )
        ),
    ),
    ({"cookie_secret": ["short", "shorter"]}, "cookie_secret", "secret_short"),
    *each("cookie_name", "cookie_name_malformed", "a/b", "a,b"),
    *each("cookie_name", "cookie_name_prefixed", "__Http-a", "__HOST-HTTP-a"),
    *each(
        "cookie_domain",
        "cookie_domain_malformed",
        *("*.corp.com", "http://corp.com:8000/x", "::1", "corp.com.", ".X.example.X"),
    ),
    (
        {"cookie_domain": "corp.com", "public_url": "https://a.example:8443/x"},
        "cookie_domain",
        "cookie_domain_elsewhere",
    ),
    *each("session_store", "store_url", "MEMORY://", "valkey://a"),
    ({"session_store": "redis://a", "refresh_required": True}, "refresh_required", "unused"),
    *each("metrics_token", "metrics_token_characters", "=" * 20),
    ({"cookie_secret": [SECRET, OTHER], "metrics_token": OTHER}, "metrics_token", "metrics_token_shared"),
    (FAPI2 | {"id_token_algorithms": ["RS256", "RS512"]}, "id_token_algorithms", "fapi2"),
]
WORLD_WIDE: list[Case] = [
    ({"issuer": f"https://{issuer}"}, "allow_everyone", "world_wide")
    for issuer in (
        *("token.actions.githubusercontent.com", "appleid.apple.com/", "account.apple.com", "login.live.com"),
        *("bitbucket.org", "orcid.org", "facebook.com", "limited.facebook.com", "linkedin.com", "slack.com"),
        *("id.twitch.tv/oauth2", "api.login.yahoo.com", "access.line.me", "kauth.kakao.com", "discord.com"),
        *("www.paypal.com", "www.amazon.com", "accounts.spotify.com", "login.salesforce.com:443/x"),
        *("login.windows.net/common", "sts.windows.net/Organizations/", "sts.windows.net/consumers/v2.0"),
        *("login.windows.net/9188040D-6C67-4C5B-B112-36A304B66DAD", "GitHub.com/x"),
        "login.microsoftonline.us/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    )
]
FOLLOWS: list[Case] = [
    ({"client_secret": 3, "client_auth": "client_secret_post"}, "client_secret", "wrong_type"),
    (KEY | {"client_private_key": 3, "client_auth": "private_key_jwt"}, "client_private_key", "wrong_type"),
    (
        {"client_secret": None, "client_certificate": 3, "client_auth": "tls_client_auth"},
        "client_certificate",
        "wrong_type",
    ),
    ({"client_certificate": 3, "client_certificate_key": CERTIFICATE}, "client_certificate", "wrong_type"),
    ({"client_private_key": 3, "client_private_key_alg": "ES256"}, "client_private_key", "wrong_type"),
    ({"client_private_key": 3, "client_private_key_kid": "a"}, "client_private_key", "wrong_type"),
    ({"client_private_key": 3, "signed_request_objects": True}, "client_private_key", "wrong_type"),
    ({"client_auth": "basic", "client_private_key": PEM}, "client_auth", "not_one_of"),
    ({"id_token_algorithms": "HS256", "client_secret": 3}, "client_secret", "wrong_type"),
    ({"id_token_algorithms": "HS256", "client_secret": "s "}, "client_secret", "outer_space"),
    (
        {"id_token_algorithms": 3, SIGNED: "HS256", "client_secret": "s" * 32},
        "id_token_algorithms",
        "wrong_type",
    ),
    ({"prefix": 3, "public_url": "https://a.example/oauth2"}, "prefix", "wrong_type"),
    ({"prefix": 3, "after_sign_out_url": "/oauth2/start"}, "prefix", "wrong_type"),
    ({"public_url": "x", "cookie_domain": "corp.com"}, "public_url", "url_malformed"),
    (
        {
            "public_url": "x",
            "insecure_cookies": True,
            "cookie_samesite": "None",
            "response_mode": "form_post",
        },
        "public_url",
        "url_malformed",
    ),
    (
        {"original_uri_header": 3, "original_method_header": "X-M", "trusted_proxies": "unix"},
        "original_uri_header",
        "wrong_type",
    ),
    (
        {"original_uri_header": "X-U", "original_method_header": 3, "trusted_proxies": "unix"},
        "original_method_header",
        "wrong_type",
    ),
    (
        {"original_uri_header": "X-U", "original_method_header": "X-M", "trusted_proxies": 3},
        "trusted_proxies",
        "wrong_type",
    ),
    *[
        ({"issuer": "https://accounts.google.com", name: 3}, name, "wrong_type")
        for name in ("allowed_emails", "allowed_email_domains", "allowed_groups")
    ],
    (
        {"session_lifetime_seconds": "1h", "session_idle_seconds": 30_000},
        "session_lifetime_seconds",
        "wrong_type",
    ),
    ({"session_store": "mysql://a", "revocation_store": "redis://b"}, "session_store", "store_url"),
    *[
        ({"session_store": "mysql://a", name: 60}, "session_store", "store_url")
        for name in ("recheck_seconds",)
    ],
    ({"session_store": "mysql://a", "refresh": True}, "session_store", "store_url"),
    (FAPI2 | {"client_private_key": 3}, "client_private_key", "wrong_type"),
    (FAPI2 | {"client_private_key": None, "client_certificate": 3}, "client_certificate", "wrong_type"),
]
"""Settings that are wrong in one way, from which others would follow."""

EVERY_CASE = [*CASES, *MORE, *WORLD_WIDE]
