"""Modules of the suite's relying-party plans that are not tried here, each with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """Why a module is not ours."""

    module: str
    profile: str
    why: str


_REGISTRATION = (
    "A gate is registered by whoever runs it; it does not register itself, and has no setting for it."
)
_FRONT_TOKENS = "Implicit and hybrid flow: the gate speaks the code flow alone (RFC 9700 §2.1.2)."
_REQUEST_URI = (
    "The gate never passes a request object by a reference to itself; it pushes the request (RFC 9126)."
)
_REFRESH = (
    "The gate asks for no refresh token: a session ends by its own clock, and a new sign-in is one redirect."
)

NOT_APPLICABLE = (
    Reason(
        "oidcc-client-test-userinfo-bearer-body",
        "Basic",
        "Optional: one of two ways to send the access token. The gate sends it in the header, as RFC 6750 §2 "
        "recommends; see `oidcc-client-test-userinfo-bearer-header`.",
    ),
    Reason(
        "oidcc-client-test-aggregated-claims",
        "(optional)",
        "Aggregated claims (Core §5.6) are not resolved: `_claim_names` decides nothing, the claim counts as absent.",
    ),
    Reason(
        "oidcc-client-test-distributed-claims",
        "(optional)",
        "Distributed claims (Core §5.6) are not fetched: the gate calls no address that a token names.",
    ),
    Reason(
        "oidcc-client-test-discovery-webfinger-acct",
        "Dynamic",
        "The issuer is a setting; it is never guessed from an address that somebody types in.",
    ),
    Reason("oidcc-client-test-discovery-webfinger-url", "Dynamic", "As `-discovery-webfinger-acct`."),
    Reason("oidcc-client-test-dynamic-registration", "Dynamic", _REGISTRATION),
    Reason("oidcc-client-test-request-uri-signed-rs256", "Dynamic", _REQUEST_URI),
    Reason("oidcc-client-test-request-uri-signed-none", "Dynamic", _REQUEST_URI),
    Reason(
        "oidcc-client-test-3rd-party-init-login",
        "Third-Party Initiated Login",
        "The gate has one provider, and every protected page starts a sign-in; `/oauth2/start` needs no `iss`.",
    ),
    Reason(
        "oidcc-client-test-session-management",
        "Session Management",
        "Polling the provider in a hidden frame needs its third-party cookies, which browsers no longer send.",
    ),
    Reason("oidcc-client-test-refresh-token", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-refresh-token-invalid-issuer", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-refresh-token-invalid-sub", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-nonce-unless-code-flow", "Implicit, Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-missing-athash", "Implicit, Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-invalid-chash", "Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-missing-chash", "Hybrid", _FRONT_TOKENS),
)
