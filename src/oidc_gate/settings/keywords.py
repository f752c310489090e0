"""The settings as typed keywords. Written by ``make settings`` from `oidc_gate.settings.fields`: do not edit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from typing import Literal, TypeAlias, TypedDict

Texts: TypeAlias = str | Sequence[str] | Set[str]
ClientAuth: TypeAlias = Literal[
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]
ClientPrivateKeyAlg: TypeAlias = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
ResponseMode: TypeAlias = Literal[
    "query",
    "form_post",
]
IdTokenAlgorithm: TypeAlias = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
    "HS256",
]
IdTokenSignedResponseAlg: TypeAlias = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
    "HS256",
]
PushedAuthorizationRequests: TypeAlias = Literal[
    "auto",
    "always",
    "never",
]
CookieSamesite: TypeAlias = Literal[
    "Lax",
    "Strict",
    "None",
]


class SettingsKeywords(TypedDict, total=False):
    """Every setting by its name, with the types that `Settings` accepts."""

    issuer: str | None
    client_id: str | None
    client_secret: str | None
    cookie_secret: Texts | None
    client_auth: ClientAuth | None
    client_private_key: str | None
    client_private_key_alg: ClientPrivateKeyAlg | None
    client_private_key_kid: str | None
    client_certificate: str | None
    client_certificate_key: str | None
    scopes: Texts
    authorization_params: Mapping[str, str]
    response_mode: ResponseMode
    max_age_seconds: int | None
    acr_values: Texts
    id_token_algorithms: IdTokenAlgorithm | Sequence[IdTokenAlgorithm] | Set[IdTokenAlgorithm]
    id_token_signed_response_alg: IdTokenSignedResponseAlg | None
    id_token_decryption_key: str | None
    pushed_authorization_requests: PushedAuthorizationRequests
    signed_request_objects: bool
    dpop: bool
    fapi2: bool
    ca_file: str | None
    provider_timeout_seconds: float
    public_url: str | None
    prefix: str
    trusted_proxies: Texts
    original_uri_header: str | None
    original_method_header: str | None
    allowed_redirect_hosts: Texts
    after_sign_out_url: str | None
    allowed_origins: Texts
    public_paths: Texts
    allowed_emails: Texts
    allowed_email_domains: Texts
    allowed_groups: Texts
    allow_everyone: bool
    insecure_allow_unverified_email: bool
    user_claim: str
    email_claim: str
    groups_claim: str
    groups_kept: Texts
    identity_headers: bool
    pass_access_token: bool
    pass_authorization: bool
    keep_id_token: bool | None
    session_store: str
    revocation_store: str | None
    revocation_lag_seconds: float
    session_lifetime_seconds: int
    session_idle_seconds: int
    session_expires_at_browser_close: bool
    access_token_min_seconds: int
    refresh: bool
    recheck_seconds: int
    refresh_required: bool
    clock_skew_seconds: int
    session_cache_entries: int
    session_cache_bytes: int
    revoke_tokens: bool | None
    end_streams: bool
    cookie_name: str
    cookie_domain: str | None
    cookie_samesite: CookieSamesite
    insecure_cookies: bool
    accept_logout_tokens_without_exp: bool
    insecure_single_process_revocation: bool
    auto_sign_in: bool
    application_name: str
    provider_name: str
    metrics_token: str | None
    metrics_directory: str | None


class LoadKeywords(SettingsKeywords, total=False):
    """The keywords of `OIDCGate` and `AuthBackend`: the settings, and where else to read them."""

    config: str | os.PathLike[str] | None
    environ: Mapping[str, str] | None
