"""From the provider's claims to one `Identity`, and from that to the headers that the application reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import IDTokenError
from ..model import HeaderList, Identity
from ..settings import Settings

MOST_GROUPS = 1024  # Active Directory allows a person 1,015
LONGEST_GROUP = 512  # characters; LDAP names are long
LONGEST_TEXT = 1024

_PROTOCOL = frozenset(
    {"iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "azp", "jti", "sid"}
    | {"auth_time", "typ", "token_use", "session_state", "_claim_names", "_claim_sources"}
)
_FIELDS = frozenset(["sub", "email_verified", "name", "preferred_username", "acr", "amr"])
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FAMILIES = ("X-Forwarded", "X-Auth-Request")
_SUFFIXES = ("User", "Email", "Groups", "Preferred-Username", "Access-Token")


def identity_from_claims(
    claims: Mapping[str, Any],
    *,
    issuer: str,
    provider: str,
    settings: Settings,
    session_id: str,
    authenticated_at: int,
    expires_at: int,
) -> Identity:
    """Build the identity that `claims`, of a validated ID token and userinfo, describe.

    Claims of the wrong type count as absent. A single string as groups is one group. ``email_verified`` is
    true for ``true`` and, since Amazon Cognito's userinfo sends it so, for the string ``"true"``; it vouches
    for the claim ``email`` alone, so an `email_claim` of another name is verified only where it says the same
    address.

    Returns:
        An identity whose ``claims`` are what is left: no field of its own, no protocol claim. Characters that
        must not stand in a header are still in it.

    Raises:
        IDTokenError: No ``sub``.

    Spec: OpenID Connect Core §2, §5.1.
    """
    subject = _text(claims.get("sub"))
    if not subject:
        raise IDTokenError("sub", expected="a string", got=type(claims.get("sub")).__name__)
    email = _text(lookup(claims, settings.email_claim))
    used = _PROTOCOL | _FIELDS | {settings.email_claim, settings.groups_claim}
    return Identity(
        issuer=issuer,
        subject=subject,
        email=email,
        email_verified=bool(email)
        and claims.get("email") == email
        and _is_true(claims.get("email_verified")),
        name=_text(claims.get("name")),
        preferred_username=_text(claims.get("preferred_username")),
        groups=_texts(lookup(claims, settings.groups_claim)),
        claims=MappingProxyType({name: value for name, value in claims.items() if name not in used}),
        provider=provider,
        session_id=session_id,
        authenticated_at=authenticated_at,
        expires_at=expires_at,
        acr=_text(claims.get("acr")),
        amr=_texts(claims.get("amr")),
    )


def lookup(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at a dotted `path` (``realm_access.roles``), or None; a literal name wins."""
    if path in claims:
        return claims[path]
    end = path.rfind(".")
    while end > 0:
        inner = claims.get(path[:end])
        if isinstance(inner, Mapping):
            found = lookup(inner, path[end + 1 :])
            if found is not None:
                return found
        end = path.rfind(".", 0, end)
    return None


def user_of(identity: Identity, settings: Settings) -> str:
    """Return what the application calls this person (``REMOTE_USER``): the claim `user_claim`, else empty.

    It never falls back to the subject: one person's subject may be another's user name.
    """
    match settings.user_claim:
        case "sub":
            user = identity.subject
        case settings.email_claim:
            user = identity.email
        case "name":
            user = identity.name
        case "preferred_username":
            user = identity.preferred_username
        case other:
            user = _text(lookup(identity.claims, other))
    return _whole(user)


def identity_headers(
    identity: Identity, settings: Settings, family: str, access_token: str | None = None
) -> HeaderList:
    """Return the identity headers of one family, every one of them, empty where the claim is.

    A claim that no header carries whole is left empty too: without the NUL in it, "ad" NUL "min" would be "admin".

    Args:
        family: ``X-Forwarded`` to the application, ``X-Auth-Request`` on the answer of ``/oauth2/auth``.
        access_token: None leaves ``-Access-Token`` out, an empty one does not.

    Returns:
        Values are UTF-8, one character per byte (PEP 3333), without control characters. Groups are joined by
        comma; `groups_left_out` are not among them.
    """
    values = [
        ("User", user_of(identity, settings)),
        ("Email", _whole(identity.email)),
        ("Groups", _joined(identity.groups)),
        ("Preferred-Username", _whole(identity.preferred_username)),
    ]
    if access_token is not None:
        values.append(("Access-Token", _whole(access_token)))
    return tuple((f"{family}-{suffix}", _wire(value)) for suffix, value in values)


def groups_left_out(identity: Identity) -> tuple[str, ...]:
    """Return the groups that no header can carry, for the log.

    A comma would make two groups of one; a control character, or space at an end, is dropped on the way and
    would make another group of it.
    """
    return tuple(group for group in identity.groups if _splits(group))


def stripped_names(settings: Settings) -> frozenset[str]:
    """Return the header names, in lower case with dashes, that no client may send.

    To be computed once. The caller compares every incoming name with ``_`` read as ``-`` (CVE-2025-64484).
    """
    names = {f"{family}-{suffix}".lower() for family in _FAMILIES for suffix in _SUFFIXES}
    return frozenset(names | {"remote-user"} | ({"authorization"} if settings.pass_authorization else set()))


def _joined(groups: tuple[str, ...]) -> str:
    """Return the groups as a header carries them; most people's at one look, the others' one by one."""
    joined = ",".join(groups)
    is_whole = joined.count(",") == len(groups) - 1 and not joined[:1].isspace() and not joined[-1:].isspace()
    if is_whole and _is_plain(joined) and ", " not in joined and " ," not in joined:
        return joined
    return ",".join(group for group in groups if not _splits(group))


def _splits(group: str) -> bool:
    if "," in group or group != group.strip():
        return True
    return not _is_plain(group) and _CONTROLS.search(group) is not None


def _is_plain(value: str) -> bool:
    """Tell, in a tenth of what the pattern takes, that no control character can be in `value`."""
    return value.isascii() and value.isprintable()


def _whole(value: str) -> str:
    """Return `value` if a header carries it unchanged, else nothing."""
    return "" if value != value.strip() or (not _is_plain(value) and _CONTROLS.search(value)) else value


def _wire(value: str) -> str:
    return value if _is_plain(value) else value.encode("utf-8", "replace").decode("latin-1")


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def _texts(value: object) -> tuple[str, ...]:
    """Return the distinct strings in `value`, in order, bounded in number and length."""
    items: Iterable[object] = (
        (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    )
    found = dict.fromkeys(item for item in items if isinstance(item, str) and 0 < len(item) <= LONGEST_GROUP)
    return tuple(found)[:MOST_GROUPS]
