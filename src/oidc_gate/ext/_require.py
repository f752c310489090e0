"""What `require` asks of an identity, the same in every framework."""

from __future__ import annotations

from ..model import Identity

KEY = "oidc_gate.identity"
SIGN_IN_FIRST = "Sign in to continue."
NOT_IN_GROUP = "You are signed in, but may not do this."
CHALLENGE = {"WWW-Authenticate": "Bearer"}

Groups = str | tuple[str, ...]


def required_groups(group: Groups | None) -> frozenset[str]:
    """Return the groups of which one is enough; none for whoever is signed in.

    Raises:
        ValueError: No group in it: a rule that was meant and would let everybody in.
    """
    if group is None:
        return frozenset()
    required = frozenset([group] if isinstance(group, str) else group)
    if not required or "" in required:
        raise ValueError("require(group=...): the name of a group is empty, or there is none")
    return required


def refusal(identity: Identity | None, required: frozenset[str]) -> int:
    """Return the status to refuse with: 401 for nobody, 403 for somebody else; 0 to go on."""
    if identity is None:
        return 401
    return 403 if required and required.isdisjoint(identity.groups) else 0
