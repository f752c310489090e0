"""Who may sign in, and to what: the two values that a TestProvider is told."""

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
    """Describe one relying party, in the words of dynamic client registration.

    Args:
        client_id: name of the relying party.
        client_secret: its secret, any characters; None for public clients and private keys.
        redirect_uris: where answers may go; compared character for character.
        token_endpoint_auth_method: the one method accepted. None: `client_secret_basic` with a secret,
            `private_key_jwt` with `jwks` alone, else `none`.
        jwks: its public keys, `{"keys": [...]}`, for private_key_jwt, request objects and encryption.
        id_token_signed_response_alg: any of RS/PS/ES256-512, EdDSA (also by its new name Ed25519), HS256.
        id_token_encrypted_response_alg: None signs only; with it, `..._enc` defaults to A128GCM.
        userinfo_signed_response_alg: None answers plain JSON.

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
                raise ValueError(f"{name}={value!r}: this provider knows {', '.join(allowed)}")

    @property
    def auth_method(self) -> str:
        """Tell which client authentication this client is registered for."""
        if self.token_endpoint_auth_method is not None:
            return self.token_endpoint_auth_method
        if self.client_secret is not None:
            return "client_secret_basic"
        return "private_key_jwt" if self.jwks is not None else "none"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Describe one person who can sign in.

    Args:
        sub: the subject identifier, at most 255 ASCII characters.
        groups: given with the scope `groups`.
        claims: whatever else is to be said about the person; given with any scope, and wins.

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
        """Gather what the granted scopes let a relying party know.

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
