"""The errors with which a provider refuses this client, and what the operator can compare for each of them.

Providers do not use the codes consistently. Keycloak answers a wrong client secret with ``unauthorized_client`` at the
token endpoint, and with ``invalid_request`` at the endpoint for pushed authorization requests.
"""

from __future__ import annotations

from ..settings import Settings
from .responses import printable

NOT_ACCEPTED_MESSAGE = (
    "The sign-in service does not accept this application. Nothing is wrong with your account."
)

_SECRET = "client_id, client_secret and client_auth"
CLIENT_ERRORS = {
    "invalid_client": f"the provider does not know this client, or refuses its authentication: compare {_SECRET} with "
    "what is registered",
    "unauthorized_client": "the client may not use the authorization code grant, or its secret is wrong (Keycloak says "
    f"so): compare {_SECRET} with what is registered, and allow the grant there",
    "invalid_request": "the provider refuses the request: compare redirect_uri with what is registered, character by "
    f"character; then {_SECRET} (Keycloak answers a wrong secret like this), and authorization_params",
    "invalid_scope": "the provider refuses a scope: compare scopes with what the client may ask for",
    "unsupported_response_type": "the client may not use the authorization code flow: allow it in its registration",
    "unsupported_grant_type": "the provider refuses the authorization code grant for this client",
    "invalid_request_object": "the provider cannot verify the signed request: register the public key of "
    "client_private_key",
    "request_not_supported": "the provider takes no signed requests: do not set signed_request_objects",
    "request_uri_not_supported": "the provider takes no request_uri: set pushed_authorization_requests to never",
    "registration_not_supported": "remove registration from authorization_params",
    "invalid_target": "the provider refuses a resource: compare authorization_params with what is registered",
    "invalid_dpop_proof": "the provider refuses the DPoP proof: is this host's clock right?",
    "use_dpop_nonce": "the provider refused the DPoP nonce that it had sent itself",
}
"""For each code, the values that the operator should compare."""


def describe_sent(settings: Settings, redirect_uri: str, method: str = "") -> str:
    """Return the registered values that the gate sent, without secrets, for the log.

    Args:
        method: The method of client authentication, if the request was authenticated.
    """
    authenticated = f", client_auth {method}" if method else ""
    return (
        f"sent: client_id {printable(settings.client_id, 100)!r}, redirect_uri {printable(redirect_uri)!r}"
        f"{authenticated}, scopes {printable(' '.join(settings.scopes))!r}"
    )


def advice(code: str, sent: str) -> str:
    """Return the end of a sentence in the log: what was sent, and what to compare. It is empty for any other error."""
    return f"; {sent}. Fix: {CLIENT_ERRORS[code]}" if code in CLIENT_ERRORS else ""
