"""The checks of `require`, which are the same in every framework."""

from __future__ import annotations

from typing import Protocol

from ..model import Identity

KEY = "oidc_gate.identity"
TOKEN_KEY = "oidc_gate.access_token"
PREFIX_KEY = "oidc_gate.prefix"
SIGN_IN_FIRST = "Sign in to continue."
NOT_IN_GROUP = "You are signed in, but you may not do this."
CHALLENGE = {"WWW-Authenticate": "Bearer"}

Groups = str | tuple[str, ...]


class AccessToken(Protocol):
    """The object through which the application gets the access token of a session."""

    def get(self) -> str | None:
        """Return a token that lasts long enough, or None."""

    async def aget(self) -> str | None:
        """Return a token that lasts long enough, or None."""


def required_groups(group: Groups | None) -> frozenset[str]:
    """Return the groups of which one is sufficient; an empty set if every signed-in user is admitted.

    Raises:
        ValueError: The rule contains no group, so that it would admit every user by mistake.
    """
    if group is None:
        return frozenset()
    required = frozenset([group] if isinstance(group, str) else group)
    if not required or "" in required:
        raise ValueError("require(group=...): a group name is empty, or there is no group")
    return required


def refusal(identity: Identity | None, required: frozenset[str]) -> int:
    """Return the status of the refusal: 401 without an identity, 403 for another user; 0 to continue."""
    if identity is None:
        return 401
    return 403 if required and required.isdisjoint(identity.groups) else 0
