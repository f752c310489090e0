"""The state of one provider: its users, clients and keys, and all codes and tokens that it has issued."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from oidc_gate.testing.provider.keys import KeyRing
from oidc_gate.testing.provider.messages import Json, Pairs, Reply
from oidc_gate.testing.provider.people import Client, Person
from oidc_gate.testing.provider.tokens import Draft

T = TypeVar("T")
Tamper = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


def _as_it_is(value: T, realm: Realm) -> T:
    return value


def _reply_as_it_is(endpoint: str, reply: Reply, realm: Realm) -> Reply:
    return reply


def _nothing(realm: Realm) -> None:
    return None


@dataclass(frozen=True)
class Behaviour:
    """One function for each point at which a fault can change what the provider says."""

    before_token: Callable[[Realm], None] = _nothing
    """Runs before the token endpoint creates tokens, for example to rotate keys."""
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
    """Called with the name of the endpoint: discovery, jwks, authorization, token, userinfo, end_session, par."""


HONEST = Behaviour()


V = TypeVar("V")


@dataclass
class Session:
    """The session of a browser at the provider, with the clients that take part in it."""

    sub: str
    auth_time: int
    sid: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    client_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """An authorization request that passed every check.

    Spec: OpenID Connect Core §3.1.2.1.
    """

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    response_mode: str
    state: str | None
    nonce: str | None
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str | None
    acr_values: tuple[str, ...]
    dpop_jkt: str | None = None


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The grant of a user to a client. Revoking its ID revokes every token that was issued for it."""

    request: AuthorizationRequest
    sub: str
    sid: str
    auth_time: int
    expires_at: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))


@dataclass(frozen=True, kw_only=True)
class Token:
    """The meaning of an access token or refresh token."""

    grant: Grant
    scopes: frozenset[str]
    expires_at: int
    dpop_jkt: str | None = None


@dataclass(frozen=True)
class Pushed:
    """A pushed request that was not used yet.

    Spec: RFC 9126 §2.2.
    """

    client_id: str
    pairs: list[tuple[str, str]]
    was_signed: bool
    expires_at: int


class Shelf(Generic[V]):
    """The newest values under unguessable keys, with a record of which were used."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[str, V] = OrderedDict()
        self._spent: OrderedDict[str, None] = OrderedDict()

    def add(self, value: V, *, key: str | None = None) -> str:
        """Store a value. If there is no room, the oldest one is removed."""
        key = key or secrets.token_urlsafe(32)
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._spent.pop(self._values.popitem(last=False)[0], None)
        return key

    def get(self, key: str | None) -> V | None:
        """Return a value without using it."""
        return self._values.get(key) if key else None

    def spend(self, key: str) -> tuple[V | None, bool]:
        """Use a value, and return it together with whether this was the first time."""
        with self._lock:
            first = key not in self._spent
            self._spent[key] = None
            return self._values.get(key), first

    def drop(self, key: str | None) -> None:
        """Remove a value."""
        with self._lock:
            self._values.pop(key or "", None)
            self._spent.pop(key or "", None)

    def drop_where(self, matches: Callable[[V], bool]) -> None:
        """Remove every value that matches."""
        with self._lock:
            for key in [key for key, value in self._values.items() if matches(value)]:
                del self._values[key]
                self._spent.pop(key, None)

    def values(self) -> list[V]:
        """Return all values, oldest first."""
        with self._lock:
            return list(self._values.values())


class Realm:
    """The state of one provider. The endpoints are functions of it."""

    def __init__(
        self,
        *,
        clients: Iterable[Client],
        people: Iterable[Person],
        auto_login: str | None,
        claims_in_id_token: bool,
        acr_values: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        self.issuer = ""
        self.clients = {client.client_id: client for client in clients}
        self.people = {person.sub: person for person in people}
        self.auto_login = auto_login
        self.claims_in_id_token = claims_in_id_token
        self.acr_values = acr_values
        self.clock = clock
        self.code_seconds, self.token_seconds, self.refresh_seconds = 60, 3600, 86_400
        self.ring = KeyRing(
            ["ES256", *(alg for client in self.clients.values() for alg in _algorithms(client))]
        )
        self.behaviour: Behaviour = HONEST
        self.dpop_nonce: str | None = None
        self.tamper: Tamper | None = None
        self.sessions: Shelf[Session] = Shelf()
        self.pending: Shelf[AuthorizationRequest] = Shelf()
        self.codes: Shelf[Grant] = Shelf()
        self.access_tokens: Shelf[Token] = Shelf()
        self.refresh_tokens: Shelf[Token] = Shelf()
        self.revoked: Shelf[bool] = Shelf()
        self.seen_jtis: Shelf[bool] = Shelf()
        self.pushed: Shelf[Pushed] = Shelf()

    def register(self, client: Client) -> None:
        """Add a client, or replace the client with the same client_id."""
        self.clients[client.client_id] = client
        for alg in _algorithms(client):
            self.ring.publish(alg)

    def now(self) -> int:
        """Return the time in whole epoch seconds."""
        return int(self.clock())

    def is_first_jti(self, owner: str, jti: str) -> bool:
        """Return whether this owner uses this JWT ID for the first time.

        Spec: RFC 7523 §3 (7).
        """
        key = f"{owner} {jti}"
        self.seen_jtis.add(True, key=key)
        return self.seen_jtis.spend(key)[1]

    def revoke(self, grant: Grant) -> None:
        """Revoke every token of this grant."""
        self.revoked.add(True, key=grant.id)

    def live(self, token: Token | None) -> Token | None:
        """Return the token if it is known, not expired and not revoked."""
        if token is None or token.expires_at <= self.now() or self.revoked.get(token.grant.id):
            return None
        return token


def _algorithms(client: Client) -> list[str]:
    return [
        alg
        for alg in (client.id_token_signed_response_alg, client.userinfo_signed_response_alg)
        if alg is not None
    ]
