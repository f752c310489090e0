"""The settings that `fapi2` requires: derives them, and checks that no setting contradicts them.

Spec: FAPI 2.0 Security Profile (Final) §5.3.3 (clients), §5.4 (cryptography).
"""

from __future__ import annotations

from ..report import Derived, Draft, Findings, wrong
from .provider import TLS_METHODS, effective_client_auth

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")


def check_contradictions(draft: Draft) -> Findings:
    """Check that no setting contradicts the profile."""
    settings = draft.settings
    if not settings.fapi2:
        return
    if settings.issuer.startswith("http:"):
        yield wrong("issuer", "fapi2", what="it is http", hint="write https")
    if (settings.public_url or "").startswith("http:"):
        yield wrong("public_url", "fapi2", what="it is http", hint="write https, on loopback too")
    if settings.insecure_cookies:
        yield wrong(
            "insecure_cookies", "fapi2", what="it sends cookies over http", hint="remove insecure_cookies"
        )
    if settings.pushed_authorization_requests == "never":
        hint = "write always, or do not set it"
        yield wrong("pushed_authorization_requests", "fapi2", what="requests are not pushed", hint=hint)
    if settings.response_mode != "query":
        yield wrong("response_mode", "fapi2", what="the response comes in a form", hint="write query")
    if effective_client_auth(settings) not in TLS_METHODS | {"private_key_jwt"}:
        hint = "set client_private_key or client_certificate, and no client_secret"
        because = ("client_private_key", "client_certificate")
        what = "the client does not authenticate with private_key_jwt or TLS"
        yield wrong("client_auth", "fapi2", because=because, what=what, hint=hint)


def check_algorithms(draft: Draft) -> Findings:
    """Check that only algorithms of the profile may sign an ID token. If none are set, reduce the default list."""
    names = draft.settings.id_token_algorithms
    weak = [name for name in names if name not in ALGORITHMS]
    if not draft.settings.fapi2:
        return
    signs = draft.settings.client_private_key_alg
    if signs and signs not in ALGORITHMS:
        hint = f"register the client for one of {', '.join(ALGORITHMS)}"
        yield wrong("client_private_key_alg", "fapi2", what=f"{signs} signs", hint=hint)
    registered = draft.settings.id_token_signed_response_alg
    if registered and registered not in ALGORITHMS:
        hint = f"register the client for one of {', '.join(ALGORITHMS)}"
        yield wrong("id_token_signed_response_alg", "fapi2", what=f"{registered} signs", hint=hint)
    if not weak:
        return
    if "id_token_algorithms" not in draft.sources:
        yield Derived("id_token_algorithms", tuple(name for name in names if name in ALGORITHMS))
    else:
        hint = f"write some of {', '.join(ALGORITHMS)}"
        yield wrong("id_token_algorithms", "fapi2", what=f"{', '.join(weak)} may sign", hint=hint)


def turn_on(draft: Draft) -> Findings:
    """Derive the settings that the profile requires: pushed requests, and sender-constrained tokens."""
    if not draft.settings.fapi2:
        return
    yield Derived("pushed_authorization_requests", "always")
    if effective_client_auth(draft.settings) not in TLS_METHODS:
        yield Derived("dpop", True)  # else the certificate binds the tokens (RFC 8705 §3)
