"""What ``fapi2`` turns on, and what contradicts it.

Spec: FAPI 2.0 Security Profile (Final) §5.3.3 (clients), §5.4 (cryptography).
"""

from __future__ import annotations

from .provider import FAPI2_ALGORITHMS, TLS_METHODS, effective_client_auth
from .report import Report


def check_fapi2(report: Report) -> None:
    """Refuse what the profile forbids, then turn on what it demands."""
    if not report.settings.fapi2:
        return
    _check_contradictions(report)
    _check_algorithms(report)
    _turn_on(report)


def _check_contradictions(report: Report) -> None:
    settings = report.settings
    if settings.issuer.startswith("http:"):
        report.fault("issuer", "fapi2", what="it is http", hint="write https")
    if (settings.public_url or "").startswith("http:"):
        report.fault("public_url", "fapi2", what="it is http", hint="write https, on loopback too")
    if settings.insecure_cookies:
        report.fault("insecure_cookies", "fapi2", what="cookies go over http", hint="remove insecure_cookies")
    if settings.pushed_authorization_requests == "never":
        hint = "write always, or do not set it"
        report.fault("pushed_authorization_requests", "fapi2", what="requests are not pushed", hint=hint)
    if settings.response_mode != "query":
        report.fault("response_mode", "fapi2", what="the answer comes as a form", hint="write query")
    method = effective_client_auth(report)
    if method not in TLS_METHODS | {"private_key_jwt"}:
        hint = "set client_private_key or client_certificate, and no client_secret"
        because = ("client_private_key", "client_certificate")
        what = "the client does not authenticate with private_key_jwt or TLS"
        report.fault("client_auth", "fapi2", because=because, what=what, hint=hint)


def _check_algorithms(report: Report) -> None:
    names = report.settings.id_token_algorithms
    if report.source("id_token_algorithms") == "default":
        report.put("id_token_algorithms", tuple(name for name in names if name in FAPI2_ALGORITHMS))
    elif weak := [name for name in names if name not in FAPI2_ALGORITHMS]:
        hint = f"write some of {', '.join(FAPI2_ALGORITHMS)}"
        report.fault("id_token_algorithms", "fapi2", what=f"{', '.join(weak)} may sign", hint=hint)


def _turn_on(report: Report) -> None:
    report.put("pushed_authorization_requests", "always")
    if effective_client_auth(report) not in TLS_METHODS:
        report.put(
            "dpop", True
        )  # where the certificate authenticates, the tokens are bound to it (RFC 8705 §3)
