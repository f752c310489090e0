"""The discovery document and the key set."""

from __future__ import annotations

from oidc_gate.testing.provider.dpop import ALGORITHMS
from oidc_gate.testing.provider.messages import Json, Received, Reply, json_reply
from oidc_gate.testing.provider.people import (
    CLIENT_AUTH_METHODS,
    CONTENT_ENCRYPTION_ALGORITHMS,
    KEY_ENCRYPTION_ALGORITHMS,
    SIGNING_ALGORITHMS,
)
from oidc_gate.testing.provider.realm import Realm


def build_metadata(realm: Realm) -> Json:
    """Return the metadata of the provider.

    Spec: OpenID Connect Discovery §3; OpenID Connect Back-Channel Logout §2.1;
        RFC 8414 §2; RFC 9126 §5; RFC 9207 §3; RFC 9449 §5.1.
    """
    issuer = realm.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end_session",
        "revocation_endpoint": f"{issuer}/revoke",
        "scopes_supported": ["openid", "email", "profile", "groups", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "acr_values_supported": list(realm.acr_values),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "id_token_encryption_alg_values_supported": list(KEY_ENCRYPTION_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(CONTENT_ENCRYPTION_ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(CLIENT_AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "acr", "amr",
            "email", "email_verified", "name", "preferred_username", "groups",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "request_uri_parameter_supported": False,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }  # fmt: skip


def discovery(realm: Realm, received: Received) -> Reply:
    """Answer `/.well-known/openid-configuration`."""
    return json_reply(realm.behaviour.metadata(build_metadata(realm), realm))


def jwks(realm: Realm, received: Received) -> Reply:
    """Answer the JWKS URI."""
    return json_reply(realm.behaviour.jwks(realm.ring.jwks, realm))
