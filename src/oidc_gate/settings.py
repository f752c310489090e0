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
    """Everything that can be set, checked when it is made.

    Lists may be given as one text or as any sequence, and become tuples. Durations end in ``_seconds``.
    Whatever weakens security begins with ``insecure_`` and is off.

    Raises:
        ConfigurationError: With every fault; see `oidc_gate.faults`.
    """

    # the provider, and who we are there
    issuer: str
    """Issuer identifier of the provider: an `https` URL, compared character by character; `http` only on
    loopback. Discovery finds the rest.

    Spec: OpenID Connect Discovery §3.
    """
    client_id: str
    """The name that this application is registered under.

    Spec: RFC 6749 §2.2.
    """
    client_secret: str | None = field(default=None, repr=False)
    """Secret of the client. Not set: a public client, unless a key or a certificate is.

    Spec: RFC 6749 §2.3.1.
    """
    cookie_secret: tuple[str, ...] = field(repr=False)
    """Seals session, flow and state: one secret, or several with the newest first, so that old ones still
    open what they sealed. At least 43 characters each; `oidc-gate secret` makes one. In a file: one a
    line."""

    # how we speak to it
    client_auth: str | None = None
    """How the client proves who it is: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`,
    `private_key_jwt`, `tls_client_auth`, `self_signed_tls_client_auth` or `none`. Not set: `private_key_jwt`
    if there is a private key, else `tls_client_auth` if there is a certificate, else Basic or post with a
    secret, as discovery allows, else `none`.

    Spec: OpenID Connect Core §9; RFC 8705 §2.
    """
    client_private_key: str | None = field(default=None, repr=False)
    """Private key of the client, as text: PEM or JWK.

    Spec: RFC 7523 §2.2.
    """
    client_certificate: str | None = None
    """Path of a PEM file with the client's certificate, its chain and, unless `client_certificate_key` names
    another file, its key.

    Spec: RFC 8705.
    """
    client_certificate_key: str | None = None
    """Path of a PEM file with the key of `client_certificate`."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    """What is asked for; `openid` has to be among it. A list, or one text separated by spaces.

    Spec: OpenID Connect Core §5.4.
    """
    authorization_params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Further parameters of the authorization request (`hd`, `audience`, `ui_locales`). Not those that the
    gate sets itself.

    Spec: OpenID Connect Core §3.1.2.1.
    """
    response_mode: str = "query"
    """How the answer comes back: `query`, or `form_post`, which needs https.

    Spec: OAuth 2.0 Form Post Response Mode.
    """
    max_age_seconds: int | None = None
    """The person must have signed in at the provider no longer ago than this; 0 to 31536000. Checked against
    `auth_time`.

    Spec: OpenID Connect Core §3.1.2.1, §3.1.3.7.
    """
    acr_values: tuple[str, ...] = ()
    """Authentication context classes to ask for, the best first.

    Spec: OpenID Connect Core §3.1.2.1.
    """
    id_token_algorithms: tuple[str, ...] = (
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    )
    """What an ID token may be signed with: some of these, or `HS256` (with `client_secret`). Never `none`.

    Spec: OpenID Connect Core §3.1.3.7; RFC 8725 §3.1.
    """
    id_token_decryption_key: str | None = field(default=None, repr=False)
    """Private key that ID tokens are encrypted to, as text: PEM or JWK.

    Spec: OpenID Connect Core §10.2.
    """
    pushed_authorization_requests: str = "auto"
    """Send the request to the provider first: `auto` (where discovery offers it), `always` or `never`.

    Spec: RFC 9126.
    """
    signed_request_objects: bool = False
    """Sign the authorization request with `client_private_key`.

    Spec: RFC 9101.
    """
    dpop: bool = False
    """Ask for tokens that are bound to a key of ours.

    Spec: RFC 9449.
    """
    fapi2: bool = False
    """Hold to the FAPI 2.0 Security Profile: pushed requests, `private_key_jwt` or TLS client authentication,
    bound tokens, PS256, ES256 or EdDSA, https everywhere. What contradicts it is a fault.

    Spec: FAPI 2.0 Security Profile (Final) §5.3.3, §5.4.
    """
    ca_file: str | None = None
    """Path of a PEM file with the authorities that may vouch for the provider, in place of the system's."""
    provider_timeout_seconds: float = 5.0
    """For one whole exchange with the provider; 0.5 to 60."""

    # where it is
    public_url: str | None = None
    """How a browser reaches this application (`https://app.example.com/base`). Gives `redirect_uri`, cookie
    attributes and mount path. Not set: the request's own scheme, host and mount, through trusted proxies
    only. `http` on loopback, else only with `insecure_cookies`."""
    prefix: str = "/oauth2"
    """Path of the gate's endpoints, below the mount: a leading `/`, no trailing one."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses, networks (`10.0.0.0/8`) or `unix`: the peers whose `X-Forwarded-*` headers count. Never
    everybody."""
    original_uri_header: str | None = None
    """Header in which a trusted proxy says what the visitor asked for, so that `public_paths` count on
    `/oauth2/auth`. Only together with `original_method_header` and `trusted_proxies`."""
    original_method_header: str | None = None
    """Header in which a trusted proxy says the visitor's method. Only together with `original_uri_header`."""
    allowed_redirect_hosts: tuple[str, ...] = ()
    """Further hosts to return to after sign-in: `h`, `h:8443`, `*.h` for everything below `h`."""
    allowed_origins: tuple[str, ...] = ()
    """Further origins that may open WebSockets (`https://other.example.com`). Our own always may.

    Spec: RFC 6455 §10.2.
    """

    # who may enter
    public_paths: tuple[str, ...] = ()
    """What anyone may read: `/exact` or `/below/*`, with an optional method in front (`OPTIONS /*`; `GET` includes
    `HEAD`). `/below/*` includes neither `/below` nor `/below/`, and `/*` does not include `/`: each is a rule of its
    own. Relative to the mount, case-sensitive. A rule must match the path both as it was sent and decoded once."""
    allowed_emails: tuple[str, ...] = ()
    """Addresses that may enter. With `allowed_email_domains`: either suffices."""
    allowed_email_domains: tuple[str, ...] = ()
    """Domains whose addresses may enter: `corp.com` for exactly that, `*.corp.com` for everything below."""
    allowed_groups: tuple[str, ...] = ()
    """Groups of which one is demanded, of whoever enters by e-mail too. A group with a comma in its name: by
    keyword or TOML."""
    allow_everyone: bool = False
    """Let everyone in whom the provider signs in, though that may be the whole world. Not together with the
    three before."""
    insecure_allow_unverified_email: bool = False
    """Let an e-mail address decide for which the provider does not vouch.

    Danger: where people may type in any address at the provider, an attacker enters as anybody.
    """

    # who it is
    user_claim: str = "sub"
    """Claim that names the person to the application (`REMOTE_USER`): a dotted path; a literal name wins."""
    email_claim: str = "email"
    """Claim with the e-mail address: a dotted path."""
    groups_claim: str = "groups"
    """Claim with the groups: a dotted path (`realm_access.roles`)."""
    identity_headers: bool = False
    """Set `X-Forwarded-User`, `-Email`, `-Groups` and `-Preferred-Username` for the wrapped application."""
    pass_access_token: bool = False
    """Set `X-Forwarded-Access-Token`, and `X-Auth-Request-Access-Token` on `/oauth2/auth`. The session then
    keeps the token."""
    pass_authorization: bool = False
    """Set `Authorization: Bearer` with the access token. The session then keeps the token.

    Spec: RFC 6750 §2.1.
    """
    keep_id_token: bool = False
    """Keep the ID token in the session, for `id_token_hint` at sign-out.

    Spec: OpenID Connect RP-Initiated Logout §2.
    """

    # the session and its cookie
    session_store: str = "cookie"
    """Where sessions are: `cookie`, the only one in this version."""
    session_lifetime_seconds: int = 28800
    """A session ends this long after sign-in; 60 to 2592000 (30 days)."""
    session_idle_seconds: int = 3600
    """A session ends this long after its last request; 1 to the lifetime. If it is not set and the lifetime
    is shorter: the lifetime."""
    clock_skew_seconds: int = 60
    """How far the provider's clock may be off; 0 to 300.

    Spec: OpenID Connect Core §3.1.3.7.
    """
    session_cache_entries: int = 200_000
    """How many opened cookies a process remembers; 1 to 10000000."""
    session_cache_bytes: int = 128 * 1024 * 1024
    """How much memory these may take; 65536 to 68719476736 (64 KiB to 64 GiB). By default that of 100,000
    people behind `oidc-gate serve`, and a quarter of that in a wrapped application, which is handed more."""
    cookie_name: str = "oidc_gate"
    """1 to 40 of `A-Z a-z 0-9 _ . -`; `__Host-` is put in front. Two gates on one host need two names.

    Spec: RFC 6265bis §4.1.3.
    """
    cookie_domain: str | None = None
    """Share the session with all hosts below this domain. `__Secure-` is put in front in place of `__Host-`.

    Spec: RFC 6265bis §4.1.2.3.
    """
    cookie_samesite: str = "Lax"
    """`Lax`, `Strict` or `None`; `None` needs https.

    Spec: RFC 6265bis §4.1.2.7.
    """
    insecure_cookies: bool = False
    """Cookies without `Secure` and without a prefix, for plain http. On loopback (`public_url` is
    `http://localhost`) this is so by itself.

    Danger: whoever is on the way reads the session cookie and is that person, and may plant a cookie of his
    own.
    """
    insecure_single_process_revocation: bool = False
    """Take sign-outs from the provider (back- and front-channel logout) though they are remembered in this
    process alone.

    Danger: in another process, and after a restart, whoever was signed out at the provider stays signed in
    here until the session ends.
    """

    # what it shows
    auto_sign_in: bool = False
    """Go to the provider at once, without the page with the button."""
    application_name: str = ""
    """What the pages call this application; at most 100 characters."""
    provider_name: str = ""
    """What the pages call the provider; at most 100 characters."""

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
