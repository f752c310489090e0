"""TestProvider: an OpenID Provider to embed in tests, demos and benchmarks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar

from oidc_gate.testing.provider import authorize, logout, metadata, pages, pushed, token_endpoint, userinfo
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
    "/userinfo": ("userinfo", ("GET", "POST"), userinfo.userinfo),
    "/end_session": ("end_session", ("GET", "POST"), logout.end_session),
}


class TestProvider:
    """Run a strict, honest OpenID Provider on loopback; a context manager.

    It speaks the authorization code flow with PKCE (S256, for every client) and nothing older.
    Nobody types a password: the sign-in page lists the people as buttons.

    Args:
        clients: the relying parties; `register` adds more.
        people: who can sign in; Alice and Bob if nobody is named.
        auto_login: the `sub` of who signs in without being asked, as if always signed in. Settable.
        port: 0 lets the system choose.
        host: the name in the issuer, `127.0.0.1` or `localhost`; it listens on 127.0.0.1 whatever the name.
        path: a path below which the issuer sits, such as `/tenant`.
        claims_in_id_token: False says only who, and leaves the rest to userinfo.
        acr_values: what it can vouch for when `acr_values` asks.
        clock: tells the time in seconds since the epoch; a test may bring its own.
    """

    __test__: ClassVar[bool] = False  # pytest would take the name for a test class

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
        """Begin to answer.

        Raises:
            OSError: the port is taken.
        """
        if self._server is not None:
            raise RuntimeError("this provider runs already")
        self._server = LoopbackServer(self._dispatch, self._port)
        self._port = self._server.port  # so that it comes back under the same issuer after stop()
        self._realm.issuer = f"http://{self._host}:{self._port}{self._path}"
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering and close every connection; `start` brings the same issuer back."""
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
        """Name the issuer, `http://HOST:PORT[/PATH]`; empty before the first start."""
        return self._realm.issuer

    @property
    def jwks(self) -> Json:
        """Give the public keys as they are published."""
        return self._realm.ring.jwks

    @property
    def metadata(self) -> Json:
        """Give the honest discovery document."""
        return metadata.build_metadata(self._realm)

    @property
    def auto_login(self) -> str | None:
        """Name who signs in without being asked."""
        return self._realm.auto_login

    @auto_login.setter
    def auto_login(self, sub: str | None) -> None:
        if sub is not None and sub not in self._realm.people:
            raise ValueError(f"auto_login={sub!r}: nobody of that sub is among the people")
        self._realm.auto_login = sub

    @property
    def dpop_nonce(self) -> str | None:
        """Demand this nonce in every DPoP proof; None demands none.

        Spec: RFC 9449 §8.
        """
        return self._realm.dpop_nonce

    @dpop_nonce.setter
    def dpop_nonce(self, nonce: str | None) -> None:
        self._realm.dpop_nonce = nonce

    def register(self, client: Client) -> None:
        """Add a client, or replace the one of the same client_id."""
        self._realm.register(client)

    def add_person(self, person: Person) -> None:
        """Add a person, or replace the one of the same sub: claims change from now on."""
        self._realm.people[person.sub] = person

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on.

        Args:
            keep_old: go on publishing the old ones.

        Spec: OpenID Connect Core §10.1.1.
        """
        self._realm.ring.rotate(keep_old=keep_old)

    def sid_of(self, sub: str) -> str:
        """Give the session id of that person's newest session here.

        Raises:
            LookupError: the person is not signed in.
        """
        sids = [session.sid for session in self._realm.sessions.values() if session.sub == sub]
        if not sids:
            raise LookupError(f"{sub} is not signed in here")
        return sids[-1]

    def sign(self, claims: Json, *, alg: str = "ES256", header: Json | None = None) -> str:
        """Sign any claims with the provider's current key: bearer tokens for a test, say."""
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
        """Post a logout token to every client that registered an address for it.

        Args:
            sub: whom to sign out everywhere.
            sid: which session to end.
            client_id: tell only this client.
            fault: play this fault for these tokens alone.
            params: the keywords of the fault.

        Returns:
            What each of them answered.

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
        """Change any ID token before it is signed: `lambda claims, header: (claims, header)`."""
        return self._realm.tamper

    @tamper_id_token.setter
    def tamper_id_token(self, tamper: Tamper | None) -> None:
        self._realm.tamper = tamper

    def misbehave(self, fault: Fault, **params: Any) -> None:
        """Do one thing wrong from now on, instead of whatever was wrong before.

        Args:
            fault: what to do wrong; its value says what, and which keywords it takes.
            params: those keywords, and `times` for how often.
        """
        self._realm.behaviour = behaviour_for(fault, **params)

    def behave(self) -> None:
        """Be honest again."""
        self._realm.behaviour, self._realm.tamper = HONEST, None

    @contextmanager
    def misbehaving(self, fault: Fault, **params: Any) -> Iterator[TestProvider]:
        """Do one thing wrong within a `with` block.

        Raises:
            RuntimeError: it does something wrong already; two faults hide each other.
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
        except Exception as error:  # a fault that cannot be played must be seen, not swallowed
            reply = pages.error_page(f"The test provider failed: {type(error).__name__}: {error}", status=500)
        return self._realm.behaviour.reply(name, reply, self._realm)


def _nowhere(realm: Realm, received: Received) -> Reply:
    return pages.error_page("There is nothing here.", status=404)
