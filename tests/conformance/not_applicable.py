"""The modules of the suite's relying-party plans that do not apply, each with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """Why a module does not apply."""

    module: str
    profile: str
    why: str


_REGISTRATION = (
    "The operator registers the client. The gate does not register itself, and has no setting for it."
)
_FRONT_TOKENS = "Implicit and hybrid flow: the gate only uses the code flow (RFC 9700 §2.1.2)."
_REQUEST_URI = "The gate does not send a URL of a request object; it pushes the request (RFC 9126)."
_REFRESH = (
    "Only with the setting `refresh`, which needs a store. `tests/shells/test_refresh.py` has the same cases."
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
        "Aggregated claims (Core §5.6) are not resolved: `_claim_names` is ignored, and the claim counts as absent.",
    ),
    Reason(
        "oidcc-client-test-distributed-claims",
        "(optional)",
        "Distributed claims (Core §5.6) are not fetched: the gate sends no request to a URL in a token.",
    ),
    Reason(
        "oidcc-client-test-discovery-webfinger-acct",
        "Dynamic",
        "The issuer is a setting; it is never derived from an address that a user enters.",
    ),
    Reason("oidcc-client-test-discovery-webfinger-url", "Dynamic", "See `-discovery-webfinger-acct`."),
    Reason("oidcc-client-test-dynamic-registration", "Dynamic", _REGISTRATION),
    Reason("oidcc-client-test-request-uri-signed-rs256", "Dynamic", _REQUEST_URI),
    Reason("oidcc-client-test-request-uri-signed-none", "Dynamic", _REQUEST_URI),
    Reason(
        "oidcc-client-test-3rd-party-init-login",
        "Third-Party Initiated Login",
        "The gate has one provider, and every protected page offers the sign-in; `/oauth2/start` needs no `iss`.",
    ),
    Reason(
        "oidcc-client-test-session-management",
        "Session Management",
        "Polling the provider in a hidden frame requires third-party cookies, which browsers no longer send.",
    ),
    Reason("oidcc-client-test-refresh-token", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-refresh-token-invalid-issuer", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-refresh-token-invalid-sub", "Refresh Token", _REFRESH),
    Reason("oidcc-client-test-nonce-unless-code-flow", "Implicit, Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-missing-athash", "Implicit, Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-invalid-chash", "Hybrid", _FRONT_TOKENS),
    Reason("oidcc-client-test-missing-chash", "Hybrid", _FRONT_TOKENS),
)
