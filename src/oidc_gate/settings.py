"""Settings: keywords, environment, TOML; every fault at once.  (Skeleton: fields fixed, loading to come.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    cookie_secret: tuple[str, ...] = field(repr=False)

    # the provider and how we speak to it
    client_auth: str | None = None
    client_private_key: str | None = field(default=None, repr=False)  # PEM or JWK (JSON) text
    client_certificate: str | None = None  # path to a PEM file: certificate (chain) and, unless in ..._key, its key
    client_certificate_key: str | None = None  # path
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    authorization_params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    response_mode: str = "query"  # or form_post
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    id_token_algorithms: tuple[str, ...] = (
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    )  # fmt: skip
    id_token_decryption_key: str | None = field(default=None, repr=False)  # PEM or JWK text
    pushed_authorization_requests: str = "auto"  # auto | always | never
    signed_request_objects: bool = False
    dpop: bool = False
    fapi2: bool = False
    ca_file: str | None = None
    provider_timeout_seconds: float = 5.0

    # where it is
    public_url: str | None = None
    prefix: str = "/oauth2"
    trusted_proxies: tuple[str, ...] = ()
    original_uri_header: str | None = None
    original_method_header: str | None = None
    allowed_redirect_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()

    # who may enter
    public_paths: tuple[str, ...] = ()
    allowed_emails: tuple[str, ...] = ()
    allowed_email_domains: tuple[str, ...] = ()
    allowed_groups: tuple[str, ...] = ()
    allow_everyone: bool = False
    insecure_allow_unverified_email: bool = False

    # who it is
    user_claim: str = "sub"
    email_claim: str = "email"
    groups_claim: str = "groups"
    identity_headers: bool = False  # X-Forwarded-User/... to the wrapped application
    pass_access_token: bool = False  # X-Forwarded-Access-Token / X-Auth-Request-Access-Token
    pass_authorization: bool = False  # Authorization: Bearer <access token>
    keep_id_token: bool = False

    # the session and its cookie
    session_store: str = "cookie"
    session_lifetime_seconds: int = 28800
    session_idle_seconds: int = 3600
    clock_skew_seconds: int = 60
    session_cache_entries: int = 20_000
    session_cache_bytes: int = 64 * 1024 * 1024
    cookie_name: str = "oidc_gate"
    cookie_domain: str | None = None
    cookie_samesite: str = "Lax"
    insecure_cookies: bool = False
    insecure_single_process_revocation: bool = False

    # what it shows
    auto_sign_in: bool = False
    application_name: str = ""
    provider_name: str = ""
    metrics: bool = False
