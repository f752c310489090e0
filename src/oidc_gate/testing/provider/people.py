"""The clients and the users of a TestProvider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIGNING_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256",
)  # fmt: skip
KEY_ENCRYPTION_ALGORITHMS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
CONTENT_ENCRYPTION_ALGORITHMS = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")
CLIENT_AUTH_METHODS = (
    "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Client:
    """A relying party, with the names of dynamic client registration.

    Args:
        client_id: The client ID.
        client_secret: The client secret, with any characters; None for public clients and clients with a private key.
        redirect_uris: The redirect URIs, which are compared character by character.
        token_endpoint_auth_method: The only method that is accepted. None stands for `client_secret_basic` with a
            secret, `private_key_jwt` with only `jwks`, and `none` otherwise.
        jwks: The public keys, `{"keys": [...]}`, for private_key_jwt, request objects and encryption.
        id_token_signed_response_alg: One of RS/PS/ES256-512, EdDSA (or its new name Ed25519), HS256.
        id_token_encrypted_response_alg: None only signs ID tokens. With it, `..._enc` is A128GCM by default.
        userinfo_signed_response_alg: None answers with plain JSON.

    Spec: OpenID Connect Dynamic Client Registration §2.
    """

    client_id: str
    client_secret: str | None = None
    redirect_uris: tuple[str, ...] | list[str] = ()
    post_logout_redirect_uris: tuple[str, ...] | list[str] = ()
    token_endpoint_auth_method: str | None = None
    jwks: Mapping[str, Any] | None = None
    id_token_signed_response_alg: str = "ES256"
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str = "A128GCM"
    userinfo_signed_response_alg: str | None = None
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    dpop_bound_access_tokens: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("token_endpoint_auth_method", CLIENT_AUTH_METHODS),
            ("id_token_signed_response_alg", SIGNING_ALGORITHMS),
            ("userinfo_signed_response_alg", SIGNING_ALGORITHMS),
            ("id_token_encrypted_response_alg", KEY_ENCRYPTION_ALGORITHMS),
            ("id_token_encrypted_response_enc", CONTENT_ENCRYPTION_ALGORITHMS),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(f"{name}={value!r}: this provider supports {', '.join(allowed)}")

    @property
    def auth_method(self) -> str:
        """Return the authentication method of the client's registration."""
        if self.token_endpoint_auth_method is not None:
            return self.token_endpoint_auth_method
        if self.client_secret is not None:
            return "client_secret_basic"
        return "private_key_jwt" if self.jwks is not None else "none"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user who can sign in.

    Args:
        sub: The subject identifier, at most 255 ASCII characters.
        groups: The groups, which are sent with the scope `groups`.
        claims: Further claims, which are sent with any scope and take precedence.

    Spec: OpenID Connect Core §5.1.
    """

    sub: str
    email: str | None = None
    email_verified: bool | None = None
    name: str | None = None
    preferred_username: str | None = None
    groups: tuple[str, ...] | list[str] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)

    def claims_for(self, scopes: frozenset[str]) -> dict[str, Any]:
        """Return the claims that a relying party receives with the granted scopes.

        Spec: OpenID Connect Core §5.4.
        """
        said: dict[str, Any] = {"sub": self.sub}
        if "email" in scopes:
            said |= {"email": self.email, "email_verified": self.email_verified}
        if "profile" in scopes:
            said |= {"name": self.name, "preferred_username": self.preferred_username}
        if "groups" in scopes:
            said["groups"] = list(self.groups)
        return {name: value for name, value in said.items() if value is not None} | dict(self.claims)


ALICE = Person(
    sub="alice", email="alice@example.com", email_verified=True,
    name="Alice Example", preferred_username="alice", groups=("staff", "admins"),
)  # fmt: skip
BOB = Person(
    sub="bob", email="bob@example.com", email_verified=True,
    name="Bob Example", preferred_username="bob", groups=("staff",),
)  # fmt: skip
