"""The provider, and how the gate speaks to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from ..constraints import Range, Trait

ClientAuth = Literal[
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256"
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class RegistrationFields:
    """Who the provider is, and how this client is registered there."""

    issuer: str
    """Issuer identifier of the OpenID Provider, an `https` URL. Issuers are compared character by character, so write
    it exactly as the provider does. `http` is accepted on loopback only. All endpoints come from discovery.

    Spec: OpenID Connect Discovery §3.
    """
    client_id: str
    """Client identifier that the provider gave to this application.

    Spec: RFC 6749 §2.2.
    """
    client_secret: Annotated[str | None, Trait.SECRET] = None
    """Client secret. Without it, and without a private key or a certificate, the gate is a public client.

    Spec: RFC 6749 §2.3.1.
    """
    cookie_secret: Annotated[tuple[str, ...], Trait.SECRET]
    """Secret that seals the session cookie, the flow cookies and `state`, at least 43 characters long. Run
    `oidc-gate secret` to make one. To replace a secret without signing users out, give a list with the newest first:
    the first one seals, and all of them open. A file holds one secret a line.
    """


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class ProtocolFields:
    """How the gate speaks to the provider."""

    client_auth: ClientAuth | None = None
    """How the client authenticates to the provider. By default this follows from the other settings:
    `private_key_jwt` with `client_private_key`, else `tls_client_auth` with `client_certificate`, else
    `client_secret_basic` or `client_secret_post` with `client_secret`, as discovery allows, else `none`.

    Spec: OpenID Connect Core §9; RFC 8705 §2.
    """
    client_private_key: Annotated[str | None, Trait.SECRET, Trait.KEY] = None
    """Private key of the client, in PEM or JWK form. It signs client assertions and request objects.

    Spec: RFC 7523 §2.2.
    """
    client_private_key_alg: (
        Literal[
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
        | None
    ) = None
    """Algorithm to sign with by `client_private_key`, as the client is registered. By default it is the `alg` of the
    JWK, or one that suits the key and that discovery lists.

    Spec: OpenID Connect Dynamic Client Registration §2 (`token_endpoint_auth_signing_alg`).
    """
    client_private_key_kid: str | None = None
    """`kid` of `client_private_key` at the provider. By default it is the `kid` of the JWK, and a PEM key has none.

    Spec: RFC 7515 §4.1.4.
    """
    client_certificate: Annotated[str | None, Trait.FILE] = None
    """Path of a PEM file with the TLS certificate of the client and its chain. The file also holds the private key,
    unless `client_certificate_key` is set.

    Spec: RFC 8705.
    """
    client_certificate_key: Annotated[str | None, Trait.FILE] = None
    """Path of a PEM file with the private key of `client_certificate`."""
    scopes: Annotated[tuple[str, ...], Trait.SPACE_SEPARATED] = ("openid", "email", "profile")
    """Scopes to request. `openid` must be one of them. Separate them by spaces or give a list.

    Spec: OpenID Connect Core §5.4.
    """
    authorization_params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Additional parameters of the authorization request, such as `hd`, `audience` or `ui_locales`. Parameters that
    the gate sets itself are not accepted.

    Spec: OpenID Connect Core §3.1.2.1.
    """
    response_mode: Literal["query", "form_post"] = "query"
    """How the provider returns the authorization response: in the query of a redirect, or in a form that the browser
    posts. `form_post` needs https.

    Spec: OAuth 2.0 Form Post Response Mode.
    """
    max_age_seconds: Annotated[int | None, Range(0, 31_536_000)] = None
    """Maximum time since the user last authenticated at the provider. It is requested as `max_age`, and checked
    against `auth_time` in the ID token.

    Spec: OpenID Connect Core §3.1.2.1, §3.1.3.7.
    """
    acr_values: Annotated[tuple[str, ...], Trait.SPACE_SEPARATED] = ()
    """Authentication context classes, in order of preference. They are requested and required: a user whose ID token
    has none of them as `acr` is not signed in (`id_token_acr`).

    Spec: OpenID Connect Core §3.1.2.1, §3.1.3.7.
    """
    id_token_algorithms: tuple[Algorithm, ...] = (
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
    )  # fmt: skip
    """Signature algorithms that an ID token may use. `HS256` needs `client_secret`. `none` is never accepted.

    Spec: OpenID Connect Core §3.1.3.7; RFC 8725 §3.1.
    """
    id_token_signed_response_alg: Algorithm | None = None
    """Signature algorithm that the client is registered for at the provider. ID tokens and logout tokens in another
    algorithm are refused. By default an ID token may use any of `id_token_algorithms`, and a logout token must use the
    algorithm of the latest ID token that the process accepted, or before the first one any of `id_token_algorithms`.

    Spec: OpenID Connect Dynamic Client Registration §2; Back-Channel Logout §2.6.
    """
    id_token_decryption_key: Annotated[str | None, Trait.SECRET, Trait.KEY] = None
    """Private key that decrypts ID tokens, in PEM or JWK form.

    Spec: OpenID Connect Core §10.2.
    """
    pushed_authorization_requests: Literal["auto", "always", "never"] = "auto"
    """Whether the gate sends the authorization request to the provider itself before it redirects the browser. `auto`
    does so if discovery offers it, unless the endpoint then answers 3xx, 404 or 405.

    Spec: RFC 9126.
    """
    signed_request_objects: bool = False
    """Sign the authorization request with `client_private_key`.

    Spec: RFC 9101.
    """
    dpop: bool = False
    """Request access tokens that are bound to a key of the gate.

    Spec: RFC 9449.
    """
    fapi2: bool = False
    """Follow the FAPI 2.0 Security Profile: pushed authorization requests, `private_key_jwt` or TLS client
    authentication, sender-constrained tokens, only PS256, ES256 and EdDSA, and https everywhere. Settings that
    contradict the profile are errors.

    Spec: FAPI 2.0 Security Profile (Final) §5.3.3, §5.4.
    """
    ca_file: Annotated[str | None, Trait.FILE] = None
    """Path of a PEM file with the certificate authorities to trust for the provider, instead of the system's."""
    provider_timeout_seconds: Annotated[float, Range(0.5, 60)] = 5.0
    """Time limit of one whole exchange with the provider, from the connection to the last byte of the answer."""
