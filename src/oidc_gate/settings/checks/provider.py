"""Checks of the provider, and of the requests to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ...syntax.hosts import is_loopback
from ..fields import Fields
from ..report import Draft, Findings, Wrong, unusable, wrong
from ..schema import SCHEMA
from .urls import Address, read_url

_WELL_KNOWN = re.compile(r"/\.well-known/(?:openid-configuration|oauth-authorization-server)/?\Z")
# Endpoints of Keycloak, Okta, Auth0, Entra ID and others, which operators copy instead of the issuer.
_ENDPOINT = re.compile(
    r"/(?:protocol/openid-connect(?:/[a-z/]*)?|(?:oauth2/)?(?:v[0-9.]+/)?(?:authorize|token|userinfo)|\.well-known)/?\Z"
)
_ENTRA_HOSTS = frozenset(
    {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
)
_TENANT_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_PATH_OF_KEY = re.compile(r"[^\n{]{1,4096}\.(?:pem|key|jwk|json|crt|cer|der)|[./~][^\n]*")
_MIN_HS256_BYTES = 32  # RFC 7518 §3.2

SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
TLS_METHODS = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
_NEEDED_BY_METHOD = {
    "private_key_jwt": "client_private_key",
    **dict.fromkeys(SECRET_METHODS, "client_secret"),
    **dict.fromkeys(TLS_METHODS, "client_certificate"),
}

# The gate sets these itself, or checks them in the response. As additional parameters they would not be checked.
RESERVED = {
    **dict.fromkeys(("client_id", "redirect_uri", "response_type", "state", "nonce"), ""),
    **dict.fromkeys(("code_challenge", "code_challenge_method", "request", "request_uri", "dpop_jkt"), ""),
    **dict.fromkeys(("client_secret", "client_assertion", "client_assertion_type", "id_token_hint"), ""),
    "scope": ", and set scopes",
    "response_mode": ", and set response_mode",
    "max_age": ", and set max_age_seconds",
    "acr_values": ", and set acr_values",
}


def check_issuer(draft: Draft) -> Findings:
    """Check `issuer`. It is kept exactly as given, since issuers are compared character by character.

    Spec: OpenID Connect Core §2; Discovery §3.
    """
    issuer = draft.settings.issuer
    if not issuer:
        return
    if tail := _WELL_KNOWN.search(issuer):
        rest = issuer[: tail.start()]
        yield wrong("issuer", "issuer_well_known", tail=tail[0], issuer="the issuer" if "@" in rest else rest)
        return
    address = read_url("issuer", issuer)
    if isinstance(address, Wrong):
        yield address
    elif meant := _entra_issuer(address):
        yield from unusable("issuer", "issuer_entra", value=issuer, issuer=meant)
    elif tail := _ENDPOINT.search(address.path):
        yield wrong("issuer", "issuer_endpoint", tail=tail[0], issuer=issuer[: -len(tail[0])])
    elif address.scheme == "http" and not is_loopback(address.host):
        hint = "write https; http is accepted for localhost and 127.0.0.1 only"
        yield wrong("issuer", "url_http", value=issuer, host=address.host, hint=hint)


def _entra_issuer(address: Address) -> str:
    """Return the issuer to write if this is another URL of Entra ID, or an empty string.

    The issuer in its tokens is ``https://HOST/TENANT_ID/v2.0``, and so is that in the discovery document of a tenant
    ID. The discovery document of ``common`` and ``organizations`` contains ``{tenantid}``, and that of a domain name
    contains the ID, so neither matches the issuer in the settings.
    """
    tenant, _, rest = address.path.strip("/").partition("/")
    if address.host not in _ENTRA_HOSTS or (
        _TENANT_ID.fullmatch(tenant) and address.path == f"/{tenant}/v2.0"
    ):
        return ""
    if rest not in ("", "v2.0") and not rest.startswith("oauth2/"):
        return ""  # custom policies have issuers of their own
    return f"{address.origin}/{tenant if _TENANT_ID.fullmatch(tenant) else '<tenant ID>'}/v2.0"


def check_client_auth(draft: Draft) -> Findings:
    """Check that the settings that `client_auth` needs are set, and that no credentials are set that it does not use.

    Spec: OpenID Connect Core §9; RFC 8705 §2.
    """
    settings = draft.settings
    method = settings.client_auth or ""
    needed = _NEEDED_BY_METHOD.get(method, "")
    if needed and not getattr(settings, needed):
        yield wrong("client_auth", "client_auth_needs", because=(needed,), method=method, needs=needed)
    if settings.client_certificate_key and not settings.client_certificate:
        yield _needs("client_certificate_key", "client_certificate")
    for name in ("client_private_key_alg", "client_private_key_kid"):
        if getattr(settings, name) and not settings.client_private_key:
            yield _needs(name, "client_private_key")
    if settings.signed_request_objects and not settings.client_private_key:
        yield _needs("signed_request_objects", "client_private_key")
    if "client_auth" not in draft.broken:
        yield from _check_unused(settings, effective_client_auth(settings))


def _needs(setting: str, needed: str) -> Wrong:
    return wrong(setting, "needs", because=(needed,), needs=needed)


def effective_client_auth(settings: Fields) -> str:
    """Return the method that follows from the settings; ``secret`` for Basic or post, as discovery allows."""
    if settings.client_auth:
        return settings.client_auth
    if settings.client_private_key:
        return "private_key_jwt"
    if settings.client_certificate:
        return "tls_client_auth"
    return "secret" if settings.client_secret else "none"


def _check_unused(settings: Fields, method: str) -> Iterator[Wrong]:
    why = f"the client authenticates with {method}"
    verifies = "HS256" in (*settings.id_token_algorithms, settings.id_token_signed_response_alg)
    if settings.client_secret and method not in SECRET_METHODS | {"secret"} and not verifies:
        hint = "remove it, or set client_auth to the method that you want"
        yield wrong("client_secret", "unused", why=why, hint=hint)
    if settings.client_private_key and method != "private_key_jwt" and not settings.signed_request_objects:
        hint = "remove it, or set client_auth to private_key_jwt"
        yield wrong("client_private_key", "unused", why=why, hint=hint)


def check_keys(draft: Draft) -> Findings:
    """Check that keys look like private keys. They are parsed later, by the code that uses them."""
    for name in ("client_private_key", "id_token_decryption_key"):
        text = getattr(draft.settings, name)
        if text is not None and (code := _problem_of_key(text.strip())):
            yield wrong(name, code, variable=name.upper())


def _problem_of_key(text: str) -> str:
    if text.startswith("{"):
        return _problem_of_jwk(text)
    if "-----BEGIN " not in text:
        return "key_is_path" if _PATH_OF_KEY.fullmatch(text) else "key_unknown"
    if "\n" not in text or "\\n" in text:
        return "key_lost_lines"
    if "ENCRYPTED" in text:
        return "key_is_encrypted"
    return "" if "PRIVATE KEY-----" in text else "key_is_public"


def _problem_of_jwk(text: str) -> str:
    try:
        jwk = json.loads(text)
    except (ValueError, RecursionError):
        return "key_unknown"
    if jwk.get("kty") not in ("RSA", "EC", "OKP"):
        return "key_unknown"
    return "" if "d" in jwk else "key_is_public"


def check_request(draft: Draft) -> Findings:
    """Check the scopes and the additional parameters of the authorization request."""
    settings = draft.settings
    if "openid" not in settings.scopes:
        joined = [item for item in settings.scopes if "openid" in item.split(",")]
        yield (
            wrong("scopes", "token_characters", value=joined[0])
            if joined
            else wrong("scopes", "scope_openid")
        )
    for name in ("scopes", "acr_values"):
        for item in getattr(settings, name):
            if not _SCOPE.fullmatch(item):
                yield wrong(name, "token_characters", value=item)
    for name, value in settings.authorization_params.items():
        if name.lower() in RESERVED:
            yield wrong("authorization_params", "params_reserved", name=name, hint=RESERVED[name.lower()])
        elif not name.strip() or not value.isprintable():
            yield wrong("authorization_params", "control_character" if name.strip() else "not_pairs")


def check_algorithms(draft: Draft) -> Findings:
    """Check the algorithms that an ID token may be signed with.

    Spec: OpenID Connect Core §3.1.3.7; RFC 8725 §3.1, §3.2.
    """
    name, settings = "id_token_algorithms", draft.settings
    supported = SCHEMA[name].choices
    if not settings.id_token_algorithms:
        yield wrong(name, "empty")
    for algorithm in settings.id_token_algorithms:
        if algorithm.lower() == "none":
            yield wrong(name, "algorithm_none")
        elif algorithm not in supported:
            yield wrong(name, "algorithm_unknown", value=algorithm, choices=", ".join(supported))
        elif algorithm == "HS256":
            yield from _check_hs256(name, settings)


def check_registered_algorithm(draft: Draft) -> Findings:
    """Check the algorithm that the client is registered for.

    Spec: OpenID Connect Dynamic Client Registration §2.
    """
    name, settings = "id_token_signed_response_alg", draft.settings
    registered, listed = settings.id_token_signed_response_alg, settings.id_token_algorithms
    if registered == "HS256":
        yield from _check_hs256(name, settings)
    if registered and registered not in listed and "id_token_algorithms" in draft.sources:
        yield wrong(name, "algorithm_not_listed", because=("id_token_algorithms",), value=registered)


def _check_hs256(name: str, settings: Fields) -> Iterator[Wrong]:
    if not settings.client_secret:
        yield _needs(name, "client_secret")
    elif len(settings.client_secret.encode()) < _MIN_HS256_BYTES:
        yield wrong(name, "secret_weak", because=("client_secret",))
