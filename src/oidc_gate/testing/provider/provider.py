"""TestProvider: an OpenID Provider for tests, demos and benchmarks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar

from oidc_gate.testing.provider import (
    authorize,
    logout,
    metadata,
    pages,
    pushed,
    revocation,
    token_endpoint,
    userinfo,
)
from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.keys import signer
from oidc_gate.testing.provider.messages import Json, Received, Reply
from oidc_gate.testing.provider.misbehaviour import behaviour_for
from oidc_gate.testing.provider.people import ALICE, BOB, Client, Person
from oidc_gate.testing.provider.realm import HONEST, Realm, Tamper
from oidc_gate.testing.provider.server import LoopbackServer
from oidc_gate.testing.provider.tokens import Draft

Endpoint = Callable[[Realm, Received], Reply]
_ROUTES: dict[str, tuple[str, tuple[str, ...], Endpoint]] = {
    "/.well-known/openid-configuration": ("discovery", ("GET",), metadata.discovery),
    "/jwks": ("jwks", ("GET",), metadata.jwks),
    "/authorize": ("authorization", ("GET", "POST"), authorize.authorize),
    "/login": ("login", ("POST",), authorize.login),
    "/token": ("token", ("POST",), token_endpoint.token),
    "/par": ("par", ("POST",), pushed.push),
    "/revoke": ("revocation", ("POST",), revocation.revoke),
    "/userinfo": ("userinfo", ("GET", "POST"), userinfo.userinfo),
    "/end_session": ("end_session", ("GET", "POST"), logout.end_session),
}


class TestProvider:
    """A strict OpenID Provider on loopback, as a context manager.

    ::

        client = Client(client_id="app", client_secret=secret, redirect_uris=[f"{url}/oauth2/callback"])
        with TestProvider(clients=[client]) as op:
            settings = Settings(issuer=op.issuer, client_id="app", client_secret=secret, ...)

    It supports only the authorization code flow with PKCE (S256, required of every client). It asks for no passwords:
    the sign-in page lists the users as buttons.

    Args:
        clients: The relying parties; `register` adds more.
        people: The users who can sign in; Alice and Bob by default.
        auto_login: The `sub` of a user who is signed in without being asked. It can be changed later.
        port: The port; 0 chooses any free port.
        host: The host in the issuer, `127.0.0.1` or `localhost`. The provider always listens on 127.0.0.1.
        path: A path that the issuer ends with, such as `/tenant`.
        claims_in_id_token: False sends only the subject in the ID token, and all other claims in userinfo.
        acr_values: The values that the provider supports in `acr_values`.
        clock: Returns the time in epoch seconds.
    """

    __test__: ClassVar[bool] = False  # pytest would take this for a test class

    def __init__(
        self,
        *,
        clients: Iterable[Client] = (),
        people: Iterable[Person] = (ALICE, BOB),
        auto_login: str | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        path: str = "",
        claims_in_id_token: bool = True,
        acr_values: Iterable[str] = ("1", "2"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._realm = Realm(
            clients=clients, people=people, auto_login=None, claims_in_id_token=claims_in_id_token,
            acr_values=tuple(acr_values), clock=clock,
        )  # fmt: skip
        self.auto_login = auto_login
        self._port, self._host, self._path = port, host, path.rstrip("/")
        self._server: LoopbackServer | None = None
        self.requests: deque[Received] = deque(maxlen=10_000)

    def start(self) -> TestProvider:
        """Start to answer requests.

        Raises:
            OSError: The port is in use.
        """
        if self._server is not None:
            raise RuntimeError("this provider is running already")
        self._server = LoopbackServer(self._dispatch, self._port)
        self._port = self._server.port  # so that it has the same issuer after stop() and start()
        self._realm.issuer = f"http://{self._host}:{self._port}{self._path}"
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering and close every connection. `start` continues with the same issuer."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> TestProvider:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def issuer(self) -> str:
        """Return the issuer, `http://HOST:PORT[/PATH]`; empty before the first start."""
        return self._realm.issuer

    @property
    def jwks(self) -> Json:
        """Return the public keys as they are published."""
        return self._realm.ring.jwks

    @property
    def metadata(self) -> Json:
        """Return the discovery document, without faults."""
        return metadata.build_metadata(self._realm)

    @property
    def auto_login(self) -> str | None:
        """The user who is signed in without being asked."""
        return self._realm.auto_login

    @auto_login.setter
    def auto_login(self, sub: str | None) -> None:
        if sub is not None and sub not in self._realm.people:
            raise ValueError(f"auto_login={sub!r}: there is no user with that sub")
        self._realm.auto_login = sub

    @property
    def dpop_nonce(self) -> str | None:
        """The nonce that every DPoP proof must have; None requires none.

        Spec: RFC 9449 §8.
        """
        return self._realm.dpop_nonce

    @dpop_nonce.setter
    def dpop_nonce(self, nonce: str | None) -> None:
        self._realm.dpop_nonce = nonce

    def register(self, client: Client) -> None:
        """Add a client, or replace the client with the same client_id."""
        self._realm.register(client)

    def add_person(self, person: Person) -> None:
        """Add a user, or replace the user with the same sub."""
        self._realm.people[person.sub] = person

    def remove_person(self, sub: str) -> None:
        """Remove a user. Codes, refresh tokens and access tokens of that user are refused from now on.

        Raises:
            LookupError: There is no such user.
        """
        if sub not in self._realm.people:
            raise LookupError(f"there is no user {sub}")
        del self._realm.people[sub]

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on.

        Args:
            keep_old: Whether the old keys stay published.

        Spec: OpenID Connect Core §10.1.1.
        """
        self._realm.ring.rotate(keep_old=keep_old)

    def sid_of(self, sub: str) -> str:
        """Return the session ID of the user's newest session at this provider.

        Raises:
            LookupError: The user is not signed in.
        """
        sids = [session.sid for session in self._realm.sessions.values() if session.sub == sub]
        if not sids:
            raise LookupError(f"{sub} is not signed in here")
        return sids[-1]

    def sign(self, claims: Json, *, alg: str = "ES256", header: Json | None = None) -> str:
        """Return a JWT with any claims, signed with the provider's current key."""
        kid, key = self._realm.ring.current(alg)
        no_client = Client(client_id="")
        return Draft(claims, {"alg": alg, "kid": kid, **(header or {})}, signer(alg, key), no_client).write()

    def back_channel_logout(
        self,
        *,
        sub: str | None = None,
        sid: str | None = None,
        client_id: str | None = None,
        fault: Fault | None = None,
        **params: Any,
    ) -> list[logout.Delivery]:
        """Send a logout token to every client that registered a URI for it.

        Args:
            sub: The user whose sessions end.
            sid: The session that ends.
            client_id: The only client to notify.
            fault: A fault for these tokens only.
            params: The keywords of the fault.

        Returns:
            The answer of each client.

        Spec: OpenID Connect Back-Channel Logout §2.5.
        """
        if fault is not None:
            with self.misbehaving(fault, **params):
                return self.back_channel_logout(sub=sub, sid=sid, client_id=client_id)
        notified = [
            c
            for c in self._realm.clients.values()
            if c.backchannel_logout_uri and client_id in (None, c.client_id)
        ]
        return [
            logout.deliver(
                self._realm, client, logout.build_logout_token(self._realm, client, sub=sub, sid=sid)
            )
            for client in notified
        ]

    @property
    def tamper_id_token(self) -> Tamper | None:
        """A function that changes any ID token before it is signed: `lambda claims, header: (claims, header)`."""
        return self._realm.tamper

    @tamper_id_token.setter
    def tamper_id_token(self, tamper: Tamper | None) -> None:
        self._realm.tamper = tamper

    def misbehave(self, fault: Fault, **params: Any) -> None:
        """Misbehave in one way from now on, instead of any other way.

        Args:
            fault: The fault. Its value describes it and names its keywords.
            params: The keywords of the fault, and `times` for how often it happens.
        """
        self._realm.behaviour = behaviour_for(fault, **params)

    def behave(self) -> None:
        """Behave correctly again."""
        self._realm.behaviour, self._realm.tamper = HONEST, None

    @contextmanager
    def misbehaving(self, fault: Fault, **params: Any) -> Iterator[TestProvider]:
        """Misbehave in one way within a `with` block.

        Raises:
            RuntimeError: There is a fault already. Two faults would hide each other.
        """
        if self._realm.behaviour is not HONEST:
            raise RuntimeError("one fault at a time")
        self.misbehave(fault, **params)
        try:
            yield self
        finally:
            self.behave()

    def _dispatch(self, received: Received) -> Reply:
        self.requests.append(received)
        path = received.path.removeprefix(self._path) if received.path.startswith(self._path) else ""
        name, methods, endpoint = _ROUTES.get(path, ("", (), _nowhere))
        method = "GET" if received.method == "HEAD" else received.method
        if name and method not in methods:
            return Reply(405, headers=(("Allow", ", ".join(methods)),))
        try:
            reply = endpoint(self._realm, received)
        except Exception as error:  # a fault that cannot be produced must be visible
            reply = pages.error_page(f"The test provider failed: {type(error).__name__}: {error}", status=500)
        return self._realm.behaviour.reply(name, reply, self._realm)


def _nowhere(realm: Realm, received: Received) -> Reply:
    return pages.error_page("There is nothing here.", status=404)
