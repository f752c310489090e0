"""Settings: keywords, environment, TOML; every fault at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    cookie_secret: tuple[str, ...] = field(repr=False)

    # the provider and how we speak to it
    client_auth: str | None = None
    client_private_key: str | None = field(default=None, repr=False)  # PEM or JWK (JSON) text
    client_certificate: str | None = (
        None  # path to a PEM file: certificate (chain) and, unless in ..._key, its key
    )
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

    def __post_init__(self) -> None:
        from .configuration import examine  # here, so that importing this module stays cheap

        if faults := examine(self, {}):
            raise ConfigurationError(faults)

    @classmethod
    def load(
        cls,
        *,
        config: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        **keywords: Any,
    ) -> Settings:
        """Return settings out of keywords, over ``OIDC_GATE_*`` variables, over a TOML file.

        Args:
            config: Path of the TOML file; without it, the one that ``OIDC_GATE_CONFIG`` names, if any.
            environ: Read in place of the process's environment.
            keywords: Settings by name. None counts as not given where None is the default.

        Raises:
            ConfigurationError: With every fault of every source.
        """
        from .configuration import load

        return load(config, os.environ if environ is None else environ, keywords)

    @property
    def is_secure(self) -> bool:
        """Whether cookies carry ``Secure``: always, but for `insecure_cookies` and http on loopback."""
        # `public_url` was checked: http is loopback, or insecure_cookies.
        return not self.insecure_cookies and not (self.public_url or "").startswith("http:")

    @property
    def cookie_prefix(self) -> str:
        """``__Host-``, ``__Secure-`` or nothing: stands before every cookie name (RFC 6265bis §4.1.3)."""
        if not self.is_secure:
            return ""
        return "__Secure-" if self.cookie_domain else "__Host-"

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of `public_url` as a browser writes them, or empty."""
        return "/".join((self.public_url or "").split("/", 3)[:3])

    @property
    def public_path(self) -> str:
        """Path of `public_url`, where the application is mounted: no trailing slash, empty at the root."""
        _, _, path = (self.public_url or "").partition("://")[2].partition("/")
        return f"/{path}" if path else ""
