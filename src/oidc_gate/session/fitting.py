"""Shortens a session that does not fit into its cookies, or into a row of a store.

First the ID token is removed, then the groups that no setting names, then the claims. Each is removed as a whole, so
that an operator can say what remains, and it does not depend on a few bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from ..errors import GateError
from ..model import Identity, Session
from ..settings import Settings
from ..syntax.name_patterns import NamePatterns

T = TypeVar("T")


def fit(session: Session, settings: Settings, encode: Callable[[Session], T]) -> tuple[Session, T]:
    """Return as much of `session` as can be encoded, and the result of `encode`.

    Args:
        encode: Encodes a session. It raises a `GateError` if the session is too large.

    Raises:
        GateError: ``session_too_large``: even the shortest form is too large.
    """
    failure: GateError | None = None
    for shorter in _shortened(session, settings):
        try:
            return shorter, encode(shorter)
        except GateError as error:
            failure = error
    assert failure is not None
    raise failure


def _shortened(session: Session, settings: Settings) -> Iterator[Session]:
    """Yield `session`, and then shorter and shorter forms of it."""
    yield session
    if session.id_token:
        session = session._replace(id_token="")
        yield session
    whole = session.identity
    few_groups, few_claims = _with_named_groups(whole, settings), _with_needed_claims(whole, settings)
    # The groups go first, but they stay if it is the claims alone that are too large.
    yield session._replace(identity=few_groups)
    yield session._replace(identity=few_claims)
    yield session._replace(identity=replace(few_groups, claims=few_claims.claims))


def _with_named_groups(identity: Identity, settings: Settings) -> Identity:
    """Return `identity` with only the groups that a rule or `groups_kept` names."""
    named = NamePatterns(settings.allowed_groups, settings.groups_kept)
    groups = tuple(group for group in identity.groups if group in named)
    return identity if groups == identity.groups else replace(identity, groups=groups, groups_complete=False)


def _with_needed_claims(identity: Identity, settings: Settings) -> Identity:
    """Return `identity` with only the claim that `user_claim` refers to, if there is one among the claims."""
    path = settings.user_claim
    needed = {name: value for name, value in identity.claims.items() if f"{path}.".startswith(f"{name}.")}
    return replace(identity, claims=MappingProxyType(needed)) if needed != identity.claims else identity
