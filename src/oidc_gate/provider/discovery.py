"""Discovery: the metadata that the provider publishes for its issuer identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

from ..effects import Fetch, Fetched
from ..errors import ProviderError
from .responses import UNTRUSTED_MESSAGE, json_object, printable, raise_for_status, refuse
from .urls import is_plain_loopback, is_usable

WHAT = "discovery"
MAX_BYTES = 256 * 1024  # the documents of large providers take less than 10 kB
MAX_ITEMS = 1000

_REQUIRED_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ENDPOINTS = (
    *_REQUIRED_ENDPOINTS,
    "userinfo_endpoint",
    "end_session_endpoint",
    "pushed_authorization_request_endpoint",
    "revocation_endpoint",
)
_LISTS = (
    "acr_values_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported",
    "id_token_signing_alg_values_supported",
    "prompt_values_supported",
    "request_object_signing_alg_values_supported",
    "response_modes_supported",
    "response_types_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported",
)
_FLAGS = (
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_session_supported",
    "backchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata of the provider, without the members that the gate does not use.

    An endpoint that is missing is an empty string. A list that is missing is None, because the defaults differ. A flag
    that is missing is False.

    Spec: OpenID Connect Discovery §3; RFC 8414 §2; RFC 8705 §5; RFC 9126 §5; RFC 9101 §10.5; RFC 9207 §3;
    RFC 9449 §5.1.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    revocation_endpoint: str = ""
    mtls_endpoint_aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    acr_values_supported: tuple[str, ...] | None = None
    claims_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    dpop_signing_alg_values_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    prompt_values_supported: tuple[str, ...] | None = None
    request_object_signing_alg_values_supported: tuple[str, ...] | None = None
    response_modes_supported: tuple[str, ...] | None = None
    response_types_supported: tuple[str, ...] | None = None
    scopes_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] | None = None
    userinfo_signing_alg_values_supported: tuple[str, ...] | None = None

    authorization_response_iss_parameter_supported: bool = False
    backchannel_logout_session_supported: bool = False
    backchannel_logout_supported: bool = False
    frontchannel_logout_session_supported: bool = False
    frontchannel_logout_supported: bool = False
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False

    def endpoint(self, name: str, *, with_certificate: bool = False) -> str:
        """Return the endpoint `name`, or its alias for clients that authenticate with a certificate.

        Spec: RFC 8705 §5.
        """
        own: str = getattr(self, name)
        return self.mtls_endpoint_aliases.get(name, own) if with_certificate else own


def build_discovery_request(issuer: str) -> Fetch:
    """Build the request for the metadata of `issuer`.

    Spec: OpenID Connect Discovery §4.1.
    """
    url = issuer.removesuffix("/") + "/.well-known/openid-configuration"
    return Fetch("GET", url, (("Accept", "application/json"),), max_bytes=MAX_BYTES)


def process_discovery(fetched: Fetched, issuer: str, algorithms: Sequence[str] = ()) -> Metadata:
    """Return the metadata in `fetched`, which must belong to `issuer` and allow a sign-in.

    Args:
        issuer: The issuer identifier from the settings.
        algorithms: The ID token algorithms that the gate accepts. If it is empty, they are not compared.

    Raises:
        ProviderUnavailable: The status is 429 or 5xx.
        ProviderError: ``issuer_mismatch``; ``discovery_unusable`` if provider and gate have no method or algorithm in
            common; ``provider_answer`` if this is not a discovery document; ``provider_redirect``.

    Spec: OpenID Connect Discovery §4.2, §4.3.
    """
    raise_for_status(fetched, WHAT)
    if fetched.status != 200:
        refuse(
            WHAT, f"status {fetched.status}; is issuer right? The document is fetched from a path below it"
        )
    # Static hosts serve the document with various content types.
    document = json_object(fetched, WHAT, strict_type=False)
    found = document.get("issuer")
    if found != issuer:  # OpenID Connect Discovery §4.3: the values must be identical
        _mismatch(issuer, found)
    metadata = Metadata(issuer=issuer, **_members(document, allow_plain=is_plain_loopback(issuer)))
    _check_compatibility(metadata, algorithms)
    return metadata


def _mismatch(issuer: str, found: object) -> NoReturn:
    raise ProviderError(
        "issuer_mismatch",
        "The sign-in service is not the one that this application is configured for.",
        detail=f"discovery: issuer is {printable(found)!r}, configured is {issuer!r}; they must be equal, "
        "including a trailing slash",
    )


def _members(document: Mapping[str, Any], *, allow_plain: bool) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name in _ENDPOINTS:
        members[name] = _endpoint(document, name, allow_plain=allow_plain)
    for name in _REQUIRED_ENDPOINTS:
        if not members[name]:
            refuse(WHAT, f"{name} is missing")
    for name in _LISTS:
        members[name] = _list(document, name)
    for name in _FLAGS:
        members[name] = document.get(name) is True
    members["mtls_endpoint_aliases"] = _aliases(document, allow_plain=allow_plain)
    return members


def _endpoint(document: Mapping[str, Any], name: str, *, allow_plain: bool) -> str:
    url = document.get(name)
    if url is None or url == "":
        return ""
    if not isinstance(url, str) or not is_usable(url, allow_plain=allow_plain):
        refuse(WHAT, f"{name} is not a usable https URL: {printable(url)!r}")
    return url


def _list(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = document.get(name)
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) > MAX_ITEMS
        or not all(isinstance(item, str) for item in value)
    ):
        refuse(WHAT, f"{name} is not a list of strings")
    return tuple(value)


def _aliases(document: Mapping[str, Any], *, allow_plain: bool) -> Mapping[str, str]:
    value = document.get("mtls_endpoint_aliases")
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, dict):
        refuse(WHAT, "mtls_endpoint_aliases is not an object")
    found = {name: _endpoint(value, name, allow_plain=allow_plain) for name in _ENDPOINTS}
    return MappingProxyType({name: url for name, url in found.items() if url})


def _check_compatibility(metadata: Metadata, algorithms: Sequence[str]) -> None:
    _check_offered("response_types_supported", metadata.response_types_supported, ("code",))
    _check_offered("code_challenge_methods_supported", metadata.code_challenge_methods_supported, ("S256",))
    if algorithms:
        _check_offered(
            "id_token_signing_alg_values_supported",
            metadata.id_token_signing_alg_values_supported,
            algorithms,
        )


def _check_offered(name: str, offered: tuple[str, ...] | None, accepted: Sequence[str]) -> None:
    # A list that is missing or empty does not restrict anything.
    if offered and not set(offered) & set(accepted):
        raise ProviderError(
            "discovery_unusable",
            UNTRUSTED_MESSAGE,
            detail=f"discovery: {name} offers only {printable(', '.join(offered))}; "
            f"accepted here: {', '.join(accepted)}",
        )
