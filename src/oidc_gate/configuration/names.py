"""Names that are no setting of ours, and what people who write them are looking for."""

from __future__ import annotations

from collections.abc import Iterable

from ..faults import SECRETS


def hint_for(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of the unknown `name`."""
    plain = name.lower()
    if plain.endswith("_file") and plain.removesuffix("_file") in SECRETS:
        return (
            f"set the environment variable OIDC_GATE_{plain.upper()}, or {plain.removesuffix('_file')} itself"
        )
    if plain in FOREIGN:
        return FOREIGN[plain]
    from difflib import get_close_matches  # only where something is wrong

    nearest = get_close_matches(plain, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]}?" if nearest else "remove it; docs/settings.md lists every setting"


def _called(name: str, more: str = "") -> str:
    return f"it is called {name} here{more}"


_PATHS = _called(
    "public_paths", ', as plain paths: "/exact", "/below/*", "GET /path"; no regular expressions'
)
_REDIRECT = "set public_url; /oauth2/callback is put behind it"
_SECURE = "remove it: cookies are Secure unless insecure_cookies is set"
_HEADERS = (
    "set identity_headers for the wrapped application; answers of /oauth2/auth always carry the headers"
)
_ISSUER = _called("issuer", "; discovery finds the rest")
_PROXIES = "set trusted_proxies to the addresses of the proxies"
_TLS = "set ca_file; certificates are always checked"
_NO_APP = "remove it: wrap the application, or let the proxy in front send requests on"

_SERVER = "remove it: say the address to the server, as oidc-gate serve --help tells"

FOREIGN: dict[str, str] = {
    # oauth2-proxy
    "provider": "remove it: every OpenID Provider is spoken to alike; set issuer",
    "provider_display_name": _called("provider_name"),
    "oidc_issuer_url": _ISSUER,
    "oidc_groups_claim": _called("groups_claim"),
    "oidc_email_claim": _called("email_claim"),
    "oidc_extra_audience": "remove it: a token is for this client_id or it is refused",
    "user_id_claim": _called("user_claim"),
    "upstream": _NO_APP,
    "upstreams": _NO_APP,
    "http_address": _SERVER,
    "host": _SERVER,
    "port": _SERVER,
    "bind": _SERVER,
    "email_domain": _called("allowed_email_domains", "; for * set allow_everyone"),
    "email_domains": _called("allowed_email_domains", "; for * set allow_everyone"),
    "authenticated_emails_file": _called("allowed_emails", ", as a list"),
    "allowed_group": _called("allowed_groups"),
    "allowed_roles": _called("allowed_groups", ", with groups_claim for where the roles are"),
    "redirect_url": _REDIRECT,
    "redirect_uri": _REDIRECT,
    "cookie_secure": _SECURE,
    "cookie_httponly": "remove it: cookies are always HttpOnly",
    "cookie_expire": _called("session_lifetime_seconds", ", in seconds"),
    "cookie_refresh": _called("session_idle_seconds", ", in seconds"),
    "cookie_domains": _called("cookie_domain", ", and is one"),
    "cookie_path": "remove it: the path follows from public_url and the mount",
    "cookie_secret_file": "set OIDC_GATE_COOKIE_SECRET_FILE",
    "session_cookie_minimal": "remove it: no token is kept unless a setting asks for it",
    "session_store_type": _called("session_store"),
    "redis_connection_url": _called("session_store"),
    "skip_provider_button": _called("auto_sign_in"),
    "skip_auth_routes": _PATHS,
    "skip_auth_route": _PATHS,
    "skip_auth_regex": _PATHS,
    "skip_auth_preflight": 'set public_paths to "OPTIONS /*" and "OPTIONS /"',
    "api_routes": "remove it: whatever is no navigation gets 401 and never a redirect",
    "whitelist_domain": _called("allowed_redirect_hosts", "; .example.com is written *.example.com"),
    "whitelist_domains": _called("allowed_redirect_hosts", "; .example.com is written *.example.com"),
    "reverse_proxy": _PROXIES,
    "trusted_ips": "remove it: no address enters without signing in; for proxies set trusted_proxies",
    "real_client_ip_header": _PROXIES,
    "set_xauthrequest": _HEADERS,
    "pass_user_headers": _HEADERS,
    "pass_basic_auth": _HEADERS,
    "prefer_email_to_user": "set user_claim to email",
    "set_authorization_header": _called("pass_authorization"),
    "pass_authorization_header": _called("pass_authorization"),
    "proxy_prefix": _called("prefix"),
    "code_challenge_method": "remove it: PKCE with S256 is always used",
    "insecure_oidc_allow_unverified_email": _called("insecure_allow_unverified_email"),
    "insecure_oidc_skip_issuer_verification": "remove it: the issuer is always checked",
    "insecure_oidc_skip_nonce": "remove it: the nonce is always checked",
    "ssl_insecure_skip_verify": _TLS,
    "provider_ca_file": _called("ca_file"),
    "provider_ca_files": _called("ca_file"),
    "prompt": "set it in authorization_params",
    "login_url": _ISSUER,
    "redeem_url": _ISSUER,
    "profile_url": _ISSUER,
    "validate_url": _ISSUER,
    "oidc_jwks_url": _ISSUER,
    "skip_oidc_discovery": _ISSUER,
    "backend_logout_url": "remove it: discovery says where to sign out",
    "metrics_address": "remove it; this version has no metrics",
    # others, and guesses
    "oidcprovidermetadataurl": _ISSUER,
    "discovery_url": _ISSUER,
    "well_known_url": _ISSUER,
    "server_metadata_url": _ISSUER,
    "issuer_url": _ISSUER,
    "secret": "say which: client_secret or cookie_secret",
    "secret_key": _called("cookie_secret"),
    "scope": _called("scopes"),
    "audience": "set it in authorization_params",
    "base_url": _called("public_url"),
    "url_prefix": _called("prefix"),
    "path_prefix": _called("prefix"),
    "exempt_urls": _PATHS,
    "exclude": _PATHS,
    "exclude_paths": _PATHS,
    "skip_paths": _PATHS,
    "verify": _TLS,
    "verify_ssl": _TLS,
    "session_lifetime": _called("session_lifetime_seconds", ", in seconds"),
    "session_timeout": _called("session_idle_seconds", ", in seconds"),
    "timeout": _called("provider_timeout_seconds", ", in seconds"),
    "token_endpoint_auth_method": _called("client_auth"),
    "forwarded_allow_ips": _PROXIES,
}
