"""Notes for the operator about the claims of a user who signs in: groups that are missing, or cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Reason
from ..settings import Settings
from .claims import are_groups_elsewhere, lookup, unreadable_groups
from .refusals import list_words

# OpenID Connect Core §5.4, §11: none of them brings groups at any provider that follows the specification.
_SCOPES_WITHOUT_GROUPS = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})


def notes_on_claims(claims: Mapping[str, Any], settings: Settings) -> tuple[Reason, ...]:
    """Return the notes on the claims of ID token and userinfo. They contain names of claims, and no values.

    Spec: OpenID Connect Core §5.6.2 (``_claim_names``).
    """
    if elsewhere := _names_elsewhere(claims, settings):
        sent = 'a reference in "_claim_names"' if "_claim_names" in claims else '"hasgroups"'
        return (Reason("claims_elsewhere", detail=_ELSEWHERE.format(sent, list_words(elsewhere))),)
    name = list_words([settings.groups_claim])
    if wrong := unreadable_groups(claims, settings):
        detail = (
            f'claim "{name}" is {wrong}. Fix: have the provider send a list of texts, or set groups_claim'
        )
        return (Reason("groups_unreadable", detail=detail),)
    return ()


def groups_without_scope(claims: Mapping[str, Any], settings: Settings) -> str:
    """Return a note if `allowed_groups` is set, no groups were sent, and no scope asks for them; or an empty string."""
    is_absent = lookup(claims, settings.groups_claim) is None and not _names_elsewhere(claims, settings)
    if not settings.allowed_groups or not is_absent or not _SCOPES_WITHOUT_GROUPS.issuperset(settings.scopes):
        return ""
    return (
        f'allowed_groups is set, claim "{list_words([settings.groups_claim])}" is absent, and no scope asks for groups '
        f"(scopes: {list_words(settings.scopes)}). Fix: add the scope that brings them at your provider, or have it "
        "send them always, or set groups_claim"
    )


def _names_elsewhere(claims: Mapping[str, Any], settings: Settings) -> list[str]:
    """Return the claims that the settings use and of which the provider sent only a reference."""
    references = claims.get("_claim_names")
    names: Mapping[str, Any] = references if isinstance(references, Mapping) else {}
    used = dict.fromkeys((settings.email_claim, settings.user_claim))
    found = [name for name in used if name in names and lookup(claims, name) is None]
    return [settings.groups_claim, *found] if are_groups_elsewhere(claims, settings) else found


_ELSEWHERE = (
    "the provider sent only {} instead of the claim: {}. Entra ID does so for a user in "
    "more than 200 groups. Fix: in the token configuration there, emit only the groups assigned to the application, or "
    "use application roles and set groups_claim to roles"
)
