"""The conversion of the provider's claims to an `Identity`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import IDTokenError
from ..model import Identity
from ..settings import Settings

MAX_GROUPS = 5_000  # Active Directory allows 1,015 groups for a user; Keycloak and LDAP have no limit
MAX_GROUP_LENGTH = 512  # characters; LDAP names are long
MAX_TEXT_LENGTH = 1024

_PROTOCOL = frozenset(
    {"iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "azp", "jti", "sid"}
    | {"auth_time", "typ", "token_use", "session_state", "_claim_sources"}
)
_FIELDS = frozenset(["sub", "name", "preferred_username", "acr", "amr"])
_SEPARATORS = re.compile(r"[,;|\s]")


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
    """Return the identity that the claims of a validated ID token and of userinfo describe.

    A claim of the wrong type counts as absent. If the groups are a single string, it is one group. ``email_verified``
    is true for ``true`` and for the string ``"true"``, which Amazon Cognito's userinfo sends. It refers to the claim
    ``email`` only, so an `email_claim` with another name is verified only if it has the same address.

    Returns:
        An identity whose ``claims`` are the remaining ones, without protocol claims and those that have a field. A
        claim that its field cannot represent (groups that are an object, ``email_verified`` that is false) remains.
        They can contain characters that a header must not contain.

    Raises:
        IDTokenError: There is no ``sub``.

    Spec: OpenID Connect Core §2, §5.1.
    """
    subject = claim_text(claims.get("sub"))
    if not subject:
        raise IDTokenError("sub", expected="a string", got=type(claims.get("sub")).__name__)
    email = claim_text(lookup(claims, settings.email_claim))
    groups = claim_texts(lookup(claims, settings.groups_claim))
    is_verified = bool(email) and claims.get("email") == email and _is_true(claims.get("email_verified"))
    represented = {
        settings.email_claim: bool(email),
        settings.groups_claim: bool(groups),
        "email_verified": is_verified,
    }
    used = _PROTOCOL | _FIELDS | {name for name, is_used in represented.items() if is_used}
    return Identity(
        issuer=issuer,
        subject=subject,
        email=email,
        email_verified=is_verified,
        name=claim_text(claims.get("name")),
        preferred_username=claim_text(claims.get("preferred_username")),
        groups=groups,
        claims=MappingProxyType({name: value for name, value in claims.items() if name not in used}),
        provider=provider,
        session_id=session_id,
        authenticated_at=authenticated_at,
        expires_at=expires_at,
        acr=claim_text(claims.get("acr")),
        amr=claim_texts(claims.get("amr")),
        groups_complete=not are_groups_elsewhere(claims, settings)
        and not unreadable_groups(claims, settings),
    )


def lookup(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at a dotted `path` (``realm_access.roles``), or None. A literal name takes precedence."""
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


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def claim_text(value: object) -> str:
    """Return `value` if it is a string of at most `MAX_TEXT_LENGTH` characters, and an empty string otherwise."""
    return value if isinstance(value, str) and len(value) <= MAX_TEXT_LENGTH else ""


def claim_texts(value: object) -> tuple[str, ...]:
    """Return the distinct strings in `value`, in order, limited in number and length."""
    items: Iterable[object] = (
        (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    )
    found = dict.fromkeys(
        item for item in items if isinstance(item, str) and 0 < len(item) <= MAX_GROUP_LENGTH
    )
    return tuple(found)[:MAX_GROUPS]


def are_groups_elsewhere(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Return whether the provider says that there are groups that it did not send (the overage of Entra ID).

    ``_claim_names`` refers to another place, and ``hasgroups`` says only that there are some.

    Spec: OpenID Connect Core §5.6.2.
    """
    if lookup(claims, settings.groups_claim) is not None:
        return False
    references = claims.get("_claim_names")
    is_referred_to = isinstance(references, Mapping) and settings.groups_claim in references
    return is_referred_to or (settings.groups_claim == "groups" and _is_true(claims.get("hasgroups")))


def describe_shape(value: object) -> str:
    """Return the kind of a JSON value in words, for the log. The value itself is not shown."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"a text of {len(value)} characters" if value else "an empty text"
        case int() | float():
            return "a number"
        case Mapping():
            return "an object"
        case []:
            return "an empty list"
        case list() | tuple():
            kinds = dict.fromkeys(_plural(item) for item in value)
            return f"a list of {' and '.join(kinds)}"
    return "of an unknown type"


def _plural(item: object) -> str:
    match item:
        case str():
            return "texts"
        case Mapping():
            return "objects"
        case list() | tuple():
            return "lists"
        case bool() | None:
            return "other values"
    return "numbers"


def unreadable_groups(claims: Mapping[str, Any], settings: Settings) -> str:
    """Describe the part of the groups claim that cannot be read as groups, for the log. Return "" if there is none.

    A text is one group. If it contains separators, it was probably meant as a list of groups, unless it is one of
    `Settings.allowed_groups`.
    """
    value = lookup(claims, settings.groups_claim)
    if value is None:
        return ""
    if isinstance(value, str):
        is_one = value in settings.allowed_groups or not _SEPARATORS.search(value.strip())
        if is_one and len(value) <= MAX_GROUP_LENGTH:
            return ""
        return "one text with separators, or too long, and not a list: it counts as one group at most"
    if not isinstance(value, list | tuple):
        return f"{describe_shape(value)}, not a list of texts: there are no groups in it"
    distinct = len({item for item in value if isinstance(item, str)}) + sum(
        not isinstance(item, str) for item in value
    )
    left_out = distinct - len(claim_texts(value))
    if not left_out:
        return ""
    return f"{describe_shape(value)}: {left_out} of {len(value)} are left out (no texts, or too many)"
