"""Hints for names that are not settings, such as those of oauth2-proxy: what to write instead."""

from __future__ import annotations

from difflib import get_close_matches

from .schema import SCHEMA, SECRETS, VARIABLE_PREFIX


def hint_for(name: str, *, is_variable: bool = False) -> str:
    """Return what to write instead of the unknown `name`.

    Args:
        is_variable: Whether it comes from the name of an environment variable.
    """
    plain = name.lower()
    unprefixed = plain.removeprefix(VARIABLE_PREFIX.lower())
    if unprefixed != plain and unprefixed in SCHEMA:
        return f"write {unprefixed}: only environment variables have the prefix {VARIABLE_PREFIX}"
    if plain.endswith("_file") and plain.removesuffix("_file") in SECRETS:
        secret = plain.removesuffix("_file")
        return f"set the environment variable {SCHEMA[secret].variable}_FILE, or {secret} itself"
    if plain in FOREIGN:
        return FOREIGN[plain]
    nearest = get_close_matches(plain, list(SCHEMA))
    if not nearest:
        return "remove it; oidc-gate explain settings.md lists every setting"
    return f"write {SCHEMA[nearest[0]].variable if is_variable else nearest[0]}, the nearest name"


def hint_for_table(name: str) -> str:
    """Return what to write instead of settings in the table `name` of a TOML file."""
    return f"write the settings at the top of the file, without the line [{name}]"


def _named(name: str, more: str = "") -> str:
    return f"write {name}{more}"


_PATHS = _named(
    "public_paths", ', with plain paths: "/exact", "/below/*", "GET /path"; no regular expressions'
)
_REDIRECT = "set public_url; the redirect URI is /oauth2/callback below it"
_SECURE = "remove it: cookies have Secure unless insecure_cookies is set"
_HEADERS = (
    "set identity_headers for the wrapped application; answers of /oauth2/auth always carry the headers"
)
_ISSUER = _named("issuer", "; discovery finds the rest")
_PROXIES = "set trusted_proxies to the addresses of the proxies"
_TLS = "set ca_file; certificates are always verified"
_NO_APP = "remove it: wrap the application, or let the proxy in front forward requests"
_SERVER = "remove it: give the address to the server; see oidc-gate serve --help"
_SKIPPED_CHECK = "remove it: {} is always checked"

FOREIGN: dict[str, str] = {
    # oauth2-proxy
    "provider": "remove it: all OpenID Providers are treated alike; set issuer",
    "provider_display_name": _named("provider_name"),
    "oidc_issuer_url": _ISSUER,
    "oidc_groups_claim": _named("groups_claim"),
    "oidc_email_claim": _named("email_claim"),
    "oidc_extra_audience": "remove it: a token must be issued to this client_id",
    "user_id_claim": _named("user_claim"),
    "upstream": _NO_APP,
    "upstreams": _NO_APP,
    "http_address": _SERVER,
    "host": _SERVER,
    "port": _SERVER,
    "bind": _SERVER,
    "email_domain": _named("allowed_email_domains", "; for * set allow_everyone"),
    "email_domains": _named("allowed_email_domains", "; for * set allow_everyone"),
    "authenticated_emails_file": _named("allowed_emails", ", as a list"),
    "allowed_group": _named("allowed_groups"),
    "allowed_roles": _named("allowed_groups", ", with groups_claim for where the roles are"),
    "redirect_url": _REDIRECT,
    "redirect_uri": _REDIRECT,
    "cookie_secure": _SECURE,
    "cookie_httponly": "remove it: cookies are always HttpOnly",
    "cookie_expire": _named("session_lifetime_seconds", ", in seconds"),
    "cookie_refresh": _named("recheck_seconds", ", in seconds, with a session_store"),
    "cookie_domains": _named("cookie_domain", ", and holds one domain"),
    "cookie_path": "remove it: the path follows from public_url and the mount",
    "cookie_secret_file": "set OIDC_GATE_COOKIE_SECRET_FILE",
    "session_cookie_minimal": "remove it: tokens are kept only if a setting asks for it",
    "session_store_type": _named("session_store"),
    "redis_connection_url": _named("session_store"),
    "skip_provider_button": _named("auto_sign_in"),
    "skip_auth_routes": _PATHS,
    "skip_auth_route": _PATHS,
    "skip_auth_regex": _PATHS,
    "skip_auth_preflight": 'set public_paths to "OPTIONS /*" and "OPTIONS /"',
    "api_routes": "remove it: requests that are not page loads always get 401 and never a redirect",
    "whitelist_domain": _named("allowed_redirect_hosts", "; write .example.com as *.example.com"),
    "whitelist_domains": _named("allowed_redirect_hosts", "; write .example.com as *.example.com"),
    "reverse_proxy": _PROXIES,
    "trusted_ips": "remove it: no client may skip sign-in by its address; for proxies set trusted_proxies",
    "real_client_ip_header": _PROXIES,
    "set_xauthrequest": _HEADERS,
    "pass_user_headers": _HEADERS,
    "pass_basic_auth": _HEADERS,
    "prefer_email_to_user": "set user_claim to email",
    "set_authorization_header": _named("pass_authorization"),
    "pass_authorization_header": _named("pass_authorization"),
    "proxy_prefix": _named("prefix"),
    "code_challenge_method": "remove it: PKCE with S256 is always used",
    "insecure_oidc_allow_unverified_email": _named("insecure_allow_unverified_email"),
    "insecure_oidc_skip_issuer_verification": _SKIPPED_CHECK.format("the issuer"),
    "insecure_oidc_skip_nonce": _SKIPPED_CHECK.format("the nonce"),
    "ssl_insecure_skip_verify": _TLS,
    "provider_ca_file": _named("ca_file"),
    "provider_ca_files": _named("ca_file"),
    "prompt": "set it in authorization_params",
    "login_url": _ISSUER,
    "redeem_url": _ISSUER,
    "profile_url": _ISSUER,
    "validate_url": _ISSUER,
    "oidc_jwks_url": _ISSUER,
    "skip_oidc_discovery": _ISSUER,
    "backend_logout_url": "remove it: discovery names the sign-out endpoint",
    "metrics_address": _named("metrics_token", "; the metrics are at /oauth2/metrics"),
    # others, and guesses
    "oidcprovidermetadataurl": _ISSUER,
    "discovery_url": _ISSUER,
    "well_known_url": _ISSUER,
    "server_metadata_url": _ISSUER,
    "issuer_url": _ISSUER,
    "secret": "write client_secret or cookie_secret",
    "secret_key": _named("cookie_secret"),
    "scope": _named("scopes"),
    "audience": "set it in authorization_params",
    "base_url": _named("public_url"),
    "url_prefix": _named("prefix"),
    "path_prefix": _named("prefix"),
    "exempt_urls": _PATHS,
    "exclude": _PATHS,
    "exclude_paths": _PATHS,
    "skip_paths": _PATHS,
    "verify": _TLS,
    "verify_ssl": _TLS,
    "session_lifetime": _named("session_lifetime_seconds", ", in seconds"),
    "session_timeout": _named("session_idle_seconds", ", in seconds"),
    "timeout": _named("provider_timeout_seconds", ", in seconds"),
    "token_endpoint_auth_method": _named("client_auth"),
    "forwarded_allow_ips": _PROXIES,
}
