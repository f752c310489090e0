"""The seams at which a provider can be told to misbehave; all of them honest to begin with.

Every endpoint passes what it is about to say through one of these. A fault (see `faults`) is a
`Behaviour` with another function at one seam, so the honest code knows nothing about faults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from oidc_gate.testing.provider.messages import Json, Pairs, Reply
    from oidc_gate.testing.provider.realm import Realm
    from oidc_gate.testing.provider.tokens import Draft

T = TypeVar("T")


def _as_it_is(value: T, realm: Realm) -> T:
    return value


def _reply_as_it_is(endpoint: str, reply: Reply, realm: Realm) -> Reply:
    return reply


def _nothing(realm: Realm) -> None:
    return None


@dataclass(frozen=True)
class Behaviour:
    """Hold one function a seam; each is given what the honest provider would say, and the realm."""

    before_token: Callable[[Realm], None] = _nothing
    """Runs before the token endpoint makes tokens: to rotate keys, say."""
    metadata: Callable[[Json, Realm], Json] = _as_it_is
    jwks: Callable[[Json, Realm], Json] = _as_it_is
    authorization: Callable[[Pairs, Realm], Pairs] = _as_it_is
    access_token: Callable[[str, Realm], str] = _as_it_is
    id_token: Callable[[Draft, Realm], Draft] = _as_it_is
    token_answer: Callable[[Json, Realm], Json] = _as_it_is
    refresh_claims: Callable[[Json, Realm], Json] = _as_it_is
    userinfo: Callable[[Json, Realm], Json] = _as_it_is
    userinfo_token: Callable[[Draft, Realm], Draft] = _as_it_is
    signs_userinfo: str | None = None
    logout_token: Callable[[Draft, Realm], Draft] = _as_it_is
    end_session: Callable[[Pairs, Realm], Pairs] = _as_it_is
    reply: Callable[[str, Reply, Realm], Reply] = _reply_as_it_is
    """Given the endpoint's name: discovery, jwks, authorization, token, userinfo, end_session, par."""


HONEST = Behaviour()
Tamper = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
