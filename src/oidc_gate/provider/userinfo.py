"""Userinfo: the claims that the ID token does not contain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..effects import Fetch, Fetched, Step
from ..errors import IDTokenError, ProviderError
from ..settings import Settings
from .client import Provider
from .client_auth import uses_certificate
from .discovery import Metadata
from .dpop import DPoPKey
from .responses import UNTRUSTED_MESSAGE, json_object, media_type, printable, raise_for_status, refuse
from .token import TokenResponse

WHAT = "userinfo"
MAX_BYTES = 512 * 1024  # a user in 5,000 groups; see `policy.claims.MAX_GROUPS`

# Claims that userinfo never replaces or adds, because they describe the token and the sign-in, not the user.
_OF_THE_TOKEN = frozenset(
    {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash"}
    | {"auth_time", "acr", "amr", "sid"}
)
# A flag describes a value, so it is taken from the same source as that value.
_FLAGS = {"email": "email_verified", "phone_number": "phone_number_verified"}


class AccessTokenRefused(ProviderError):
    """The provider does not accept the access token: it expired, or was revoked, or its user may not sign in.

    Spec: RFC 6750 §3.1 (``invalid_token``).
    """


def needs_userinfo(claims: Mapping[str, Any], settings: Settings, metadata: Metadata) -> bool:
    """Return whether the settings use a claim that is missing and that userinfo may have.

    Args:
        claims: The claims of the ID token.

    Spec: OpenID Connect Core §5.3, §5.4.
    """
    if not metadata.userinfo_endpoint:
        return False
    return any(
        not any(has_claim(claims, name) for name in names) for names in _wanted_claims(settings, metadata)
    )


def rules_need_userinfo(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Return whether a rule about who may enter, or the user's name, needs a claim that the ID token does not have."""
    used = {settings.user_claim: True, settings.groups_claim: bool(settings.allowed_groups)}
    used |= {settings.email_claim: bool(settings.allowed_emails or settings.allowed_email_domains)}
    return any(is_used and not has_claim(claims, name) for name, is_used in used.items())


def has_claim(claims: Mapping[str, Any], path: str) -> bool:
    """Return whether `claims` contain `path`, which is a literal name or a dotted path."""
    if path in claims:
        return True
    value: Any = claims
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


def fetch_userinfo(provider: Provider, tokens: TokenResponse, *, sub: str) -> Step[Mapping[str, Any]]:
    """Fetch the claims of the user who signed in.

    Args:
        sub: The subject of the validated ID token.

    Raises:
        IDTokenError: ``userinfo_sub``: the claims belong to another user. Or the signed answer is not valid.
        AccessTokenRefused: The provider does not accept the access token any more.
        ProviderUnavailable: The provider did not answer.
        ProviderError: The provider's answer is not acceptable.

    Spec: OpenID Connect Core §5.3; RFC 6750 §2.1.
    """
    settings = provider.settings
    metadata = yield from provider.metadata()
    endpoint = metadata.endpoint("userinfo_endpoint", with_certificate=uses_certificate(metadata, settings))
    fetched = yield from _send(provider, endpoint, tokens)
    nonce = fetched.headers.get("dpop-nonce", "")
    if settings.dpop and fetched.status == 401 and 0 < len(nonce) <= 512:  # RFC 9449 §9
        fetched = yield from _send(provider, endpoint, tokens, nonce)
    raise_for_status(fetched, WHAT)
    if fetched.status == 401:
        raise AccessTokenRefused("userinfo_refused", UNTRUSTED_MESSAGE, detail=f"{WHAT}: status 401")
    if fetched.status != 200:
        refuse(WHAT, f"status {fetched.status}", "userinfo_refused")
    if media_type(fetched) == "application/jwt":
        claims = yield from _signed(provider, fetched)
    else:
        claims = json_object(fetched, WHAT)
    return process_userinfo(claims, sub=sub)


def process_userinfo(claims: Mapping[str, Any], *, sub: str) -> Mapping[str, Any]:
    """Return `claims` if they belong to `sub`.

    Raises:
        IDTokenError: ``userinfo_sub``.

    Spec: OpenID Connect Core §5.3.2: the answer MUST NOT be used otherwise.
    """
    found = claims.get("sub")
    if found != sub:
        raise IDTokenError("sub", expected=printable(sub), got=printable(found), token=WHAT)
    return MappingProxyType(dict(claims))


def merge_claims(id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims of both. If they differ, the ID token takes precedence, because it is signed."""
    merged = {name: value for name, value in userinfo.items() if name not in _OF_THE_TOKEN}
    merged.update(id_token)
    for name, flag in _FLAGS.items():
        source = id_token if name in id_token else userinfo
        merged.pop(flag, None)
        if flag in source:
            merged[flag] = source[flag]
    return MappingProxyType(merged)


def _wanted_claims(settings: Settings, metadata: Metadata) -> Iterator[tuple[str, ...]]:
    """Yield groups of claims, of each of which one should be present."""
    yield (settings.user_claim,)
    if "email" in settings.scopes or settings.allowed_emails or settings.allowed_email_domains:
        yield (settings.email_claim,)
    if "profile" in settings.scopes:
        yield ("name", "preferred_username")
    if (
        settings.allowed_groups
        or settings.groups_claim != "groups"
        or "groups" in settings.scopes
        or "groups" in (metadata.claims_supported or ())
    ):
        yield (settings.groups_claim,)


def _send(provider: Provider, endpoint: str, tokens: TokenResponse, dpop_nonce: str = "") -> Step[Fetched]:
    # RFC 9449 §7.1 has a scheme of its own for bound tokens.
    headers = [
        ("Accept", "application/json, application/jwt"),
        ("Authorization", f"{tokens.token_type} {tokens.access_token}"),
    ]
    if provider.settings.dpop:
        key = DPoPKey.of(provider.settings)
        proof = yield from key.proof("GET", endpoint, nonce=dpop_nonce, access_token=tokens.access_token)
        headers.append(("DPoP", proof))
    request = Fetch("GET", endpoint, tuple(headers), max_bytes=MAX_BYTES)
    return (yield from provider.fetch("userinfo", request))


def _signed(provider: Provider, fetched: Fetched) -> Step[Mapping[str, Any]]:
    from .jose.userinfo_token import validate_userinfo_token

    token = fetched.body.decode("ascii", "replace").strip()
    algorithms = provider.settings.id_token_algorithms
    return (
        yield from provider.verify(lambda recipient: validate_userinfo_token(token, recipient), algorithms)
    )
