"""Checks of the provider and how we speak to it."""

from __future__ import annotations

import json
import re

from .addresses import is_loopback, read_url
from .report import Report

_WELL_KNOWN = re.compile(r"/\.well-known/(?:openid-configuration|oauth-authorization-server)/?\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_PATH_OF_KEY = re.compile(r"[^\n{]{1,4096}\.(?:pem|key|jwk|json|crt|cer|der)|[./~][^\n]*")

SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
TLS_METHODS = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
KNOWN_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256"),
)
FAPI2_ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")

# What the gate sets itself, or checks in the answer and so has to know of: elsewhere it would go unchecked.
RESERVED = {
    **dict.fromkeys(("client_id", "redirect_uri", "response_type", "state", "nonce"), ""),
    **dict.fromkeys(("code_challenge", "code_challenge_method", "request", "request_uri", "dpop_jkt"), ""),
    **dict.fromkeys(("client_secret", "client_assertion", "client_assertion_type", "id_token_hint"), ""),
    "scope": ", and set scopes",
    "response_mode": ", and set response_mode",
    "max_age": ", and set max_age_seconds",
    "acr_values": ", and set acr_values",
}


def check_issuer(report: Report) -> None:
    """Check `issuer`. It is kept exactly as given, since issuers are compared character by character.

    Spec: OpenID Connect Core §2; Discovery §3.
    """
    issuer = report.settings.issuer
    if not issuer:
        return
    if tail := _WELL_KNOWN.search(issuer):
        report.fault(
            "issuer", "issuer_well_known", tail=tail[0], issuer=_without_userinfo(issuer[: tail.start()])
        )
        return
    address = read_url(report, "issuer", issuer)
    if address and address.scheme == "http" and not is_loopback(address.host):
        hint = "write https; http is only for localhost and 127.0.0.1"
        report.fault("issuer", "url_http", value=issuer, host=address.host, hint=hint)


def _without_userinfo(url: str) -> str:
    return "the issuer" if "@" in url else url


def check_client_auth(report: Report) -> None:
    """Check that what `client_auth` needs is there, and that nothing is there that would not be used.

    Spec: OpenID Connect Core §9; RFC 8705 §2.
    """
    settings, method = report.settings, report.settings.client_auth
    needs = {"private_key_jwt": "client_private_key", **dict.fromkeys(SECRET_METHODS, "client_secret")}
    needs |= dict.fromkeys(TLS_METHODS, "client_certificate")
    if method in needs and not getattr(settings, needs[method]):
        report.fault(
            "client_auth", "client_auth_needs", because=(needs[method],), method=method, needs=needs[method]
        )
    if settings.client_certificate_key and not settings.client_certificate:
        report.fault(
            "client_certificate_key", "needs", because=("client_certificate",), needs="client_certificate"
        )
    if settings.signed_request_objects and not settings.client_private_key:
        report.fault(
            "signed_request_objects", "needs", because=("client_private_key",), needs="client_private_key"
        )
    _check_unused(report, effective_client_auth(report))


def effective_client_auth(report: Report) -> str:
    """Return the method that follows from what is held; ``secret`` for Basic or post, as discovery allows."""
    settings = report.settings
    if settings.client_auth:
        return settings.client_auth
    if settings.client_private_key:
        return "private_key_jwt"
    if settings.client_certificate:
        return "tls_client_auth"
    return "secret" if settings.client_secret else "none"


def _check_unused(report: Report, method: str) -> None:
    settings = report.settings
    if "client_auth" in report.broken:
        return
    verifies = "HS256" in settings.id_token_algorithms
    if settings.client_secret and method not in SECRET_METHODS | {"secret"} and not verifies:
        hint = "remove it, or set client_auth to the method that you mean"
        report.fault("client_secret", "unused", why=f"the client authenticates with {method}", hint=hint)
    if settings.client_private_key and method != "private_key_jwt" and not settings.signed_request_objects:
        hint = "remove it, or set client_auth to private_key_jwt"
        report.fault("client_private_key", "unused", why=f"the client authenticates with {method}", hint=hint)


def check_keys(report: Report) -> None:
    """Check that keys look like private keys; they are parsed where they are used."""
    for name in ("client_private_key", "id_token_decryption_key"):
        text = getattr(report.settings, name)
        if text is not None and (code := _key_fault(text.strip())):
            report.fault(name, code, variable=name.upper())


def _key_fault(text: str) -> str:
    if text.startswith("{"):
        return _jwk_fault(text)
    if "-----BEGIN " not in text:
        return "key_is_path" if _PATH_OF_KEY.fullmatch(text) else "key_unknown"
    if "\n" not in text or "\\n" in text:
        return "key_lost_lines"
    if "ENCRYPTED" in text:
        return "key_is_encrypted"
    return "" if "PRIVATE KEY-----" in text else "key_is_public"


def _jwk_fault(text: str) -> str:
    try:
        jwk = json.loads(text)
    except (ValueError, RecursionError):
        return "key_unknown"
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("RSA", "EC", "OKP"):
        return "key_unknown"
    return "" if "d" in jwk else "key_is_public"


def check_request(report: Report) -> None:
    """Check what goes into the authorization request."""
    settings = report.settings
    if "openid" not in settings.scopes:
        report.fault("scopes", "scope_openid")
    for name in ("scopes", "acr_values"):
        for item in getattr(settings, name):
            if not _SCOPE.fullmatch(item):
                report.fault(name, "token_characters", value=item)
    for name, value in settings.authorization_params.items():
        if name.lower() in RESERVED:
            report.fault("authorization_params", "params_reserved", name=name, hint=RESERVED[name.lower()])
        elif not name.strip() or not value.isprintable():
            report.fault("authorization_params", "control_character" if name.strip() else "not_pairs")


def check_algorithms(report: Report) -> None:
    """Check the algorithms an ID token may be signed with.

    Spec: OpenID Connect Core §3.1.3.7; RFC 8725 §3.1, §3.2.
    """
    settings = report.settings
    if not settings.id_token_algorithms:
        report.fault("id_token_algorithms", "empty")
    for name in settings.id_token_algorithms:
        if name.lower() == "none":
            report.fault("id_token_algorithms", "algorithm_none")
        elif name not in KNOWN_ALGORITHMS:
            report.fault(
                "id_token_algorithms", "algorithm_unknown", value=name, choices=", ".join(KNOWN_ALGORITHMS)
            )
        elif name == "HS256" and not settings.client_secret:
            report.fault("id_token_algorithms", "needs", because=("client_secret",), needs="client_secret")
        elif name == "HS256" and len((settings.client_secret or "").encode()) < 32:
            report.fault("id_token_algorithms", "secret_weak", because=("client_secret",))
