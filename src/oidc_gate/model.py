"""The values of the core. All of them are immutable, and none shows a secret in its ``repr``.

A shell builds one `Request` from what its server provides. The gate answers with one `Decision`: `Allow` (call the
application) or `Reply` (do not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

HeaderList = tuple[tuple[str, str], ...]


class Headers:
    """The headers of a request: names in lower case, with all values of a repeated name in order.

    Values are text with one character for each byte (ISO 8859-1).
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        # Lists first: a client may repeat a name ten thousand times, and building tuples would copy each time.
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name.lower(), []).append(value)
        self._values = {name: tuple(values) for name, values in found.items()}

    def get(self, name: str, default: str = "") -> str:
        """Return the only or first value of `name` (lower case), or `default`."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of `name` (lower case), in order."""
        return self._values.get(name, ())

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self._values.items() for value in values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a shell received it, before any header of a proxy is trusted.

    Args:
        method: The method as sent (``GET``). For a WebSocket handshake it is ``GET``.
        scheme: ``http`` or ``https``, from the server, also for WebSockets.
        mount: The path where the application is mounted (``SCRIPT_NAME``, ``root_path``), without a trailing slash.
        path: The path below the mount, decoded once, on which the application dispatches, with surrogate escapes for
            undecodable bytes.
        raw_path: The path below the mount, percent-encoded as in the request line, or encoded again.
        query: The query without the ``?``, not decoded.
        peer: The address of the TCP peer; ``unix`` for a Unix socket; empty if the server does not provide it.
        request_id: The ID of the request in the log and on error pages. A trusted proxy may have chosen it, and so may
            its client.
        number: An ID that the gate chose itself. It is unique, whatever `request_id` is.
        is_ambiguous: Whether applications may read the path differently. Such a path is never public.
    """

    method: str
    scheme: str
    mount: str
    path: str
    raw_path: str
    query: str = field(repr=False)  # it may contain an authorization code
    headers: Headers = field(default_factory=Headers)
    peer: str = ""
    is_websocket: bool = False
    request_id: str = "-"
    is_ambiguous: bool = False
    number: str = "-"

    @property
    def host(self) -> str:
        """Return the ``Host`` header as sent; empty if there is none or more than one (RFC 9112 §3.2)."""
        hosts = self.headers.all("host")
        return hosts[0] if len(hosts) == 1 else ""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a signed-in user.

    Attributes:
        issuer: The issuer identifier of the provider. Together with `subject` it identifies the user permanently.
        subject: The ``sub`` claim, which is unique at that issuer and never reassigned (OpenID Connect Core §2).
        email: The e-mail address from the provider, or an empty string.
        email_verified: True only if the provider says so. If the claim is absent, it is false.
        groups: The values of the groups claim, in the provider's order.
        claims: The other claims of ID token and userinfo, read-only.
        provider: The configured name of the provider, or its host.
        session_id: An ID that is new at every sign-in. It is not a secret.
        authenticated_at: When the user last authenticated (``auth_time``, or the sign-in), in epoch seconds.
        expires_at: When this session ends at the latest, in epoch seconds.
        acr: The authentication context class, or an empty string.
        amr: The authentication methods (RFC 8176).
        groups_complete: False if the user is, or may be, in more groups than `groups`: the provider did not send all
            of them, or they do not fit into the session (see `groups_kept`). The user is certainly in each of
            `groups`, but may be in others as well.
    """

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    preferred_username: str = ""
    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False, hash=False)
    provider: str = ""
    session_id: str = field(default="", repr=False)
    authenticated_at: int = 0
    expires_at: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
    groups_complete: bool = True

    @property
    def label(self) -> str:
        """Return the name of the user for pages: e-mail address, or user name, or name, or subject."""
        return self.email or self.preferred_username or self.name or self.subject


class Session(NamedTuple):
    """An identity and the times that end its session.

    It is a tuple, which is created three times as fast as a dataclass.

    Attributes:
        started_at: When the sign-in was completed, in epoch seconds. A logout of the user ends earlier sessions.
        last_seen: When the session was last written with a new idle time, in epoch seconds.
        sid: The provider's own session ID, for logout (OpenID Connect Back-Channel Logout §2.1), or an empty string.
        id_token, access_token: Empty unless the settings ask to keep them.
        access_token_expires_at: When the access token expires, in epoch seconds; 0 if that is not known.
        refresh_token: Empty unless the session is in a store.
        checked_at: When the provider last confirmed the user, in epoch seconds; 0 if that was at the sign-in.
    """

    identity: Identity
    started_at: int
    last_seen: int
    sid: str = ""
    id_token: str = ""
    access_token: str = ""
    access_token_expires_at: int = 0
    refresh_token: str = ""
    checked_at: int = 0

    def __repr__(self) -> str:
        return f"Session({self.identity!r}, started_at={self.started_at}, last_seen={self.last_seen})"


class Reason(NamedTuple):
    """The reason for a decision. It is only for the log; clients do not see it.

    Args:
        code: A code of `oidc_gate.observe.events`, or of a `GateError`.
        rule: The rule that decided, if there is one (``allowed_groups``).
        detail: Details without secrets. Text from a client is escaped by `ascii`.
        notes: Other events of the same request, each of which is logged in a line of its own.
        subject: The subject that the event is about, if it is not that of the session that the request had.
        session_id: The ID of the session that the event is about, likewise.
    """

    code: str
    rule: str = ""
    detail: str = ""
    notes: tuple[Reason, ...] = ()
    subject: str = ""
    session_id: str = ""


NO_REASON = Reason("")
"""The reason of a reply that is not complete. `oidc_gate.gate` never returns it."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Call the application.

    Args:
        identity: The identity of the user. On a public path it is None for an anonymous user, and for a user whom the
            rules refuse.
        headers: The identity headers to set, after every spelling of their names was removed.
        set_cookies: ``Set-Cookie`` values that renew the session. They are added to the application's response, unless
            a shared cache may store it.
        replacement_for_401: Builds what replaces the application's own 401 if `identity` is None: the sign-in, or
            403 for a user whom the rules refuse. It returns None if the application's answer is kept.
        reason: The reason why the request may pass.
        session: The session of `identity`.
        loaded: The same session as it was loaded, an `oidc_gate.session.sessions.LoadedSession`.
        request_id: The ID of the request in the log, for the application.
    """

    identity: Identity | None
    headers: HeaderList = field(default=(), repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    replacement_for_401: Callable[[], Reply | None] | None = None
    reason: Reason = NO_REASON
    session: Session | None = None
    loaded: Any = field(default=None, repr=False)
    request_id: str = "-"


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer instead of the application, which is not called.

    Args:
        drains: Whether up to 1 MiB of the request's body is read and dropped first, so that a client that is still
            uploading sees this answer instead of a broken connection.
        reason: The reason for this answer.
    """

    status: int
    headers: HeaderList = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    drains: bool = False
    reason: Reason = NO_REASON

    def because(
        self, code: str, detail: str = "", *, rule: str = "", notes: tuple[Reason, ...] = ()
    ) -> Reply:
        """Return this reply with its reason; see `Reason`."""
        return replace(self, reason=Reason(code, rule, detail, notes))

    def header(self, name: str) -> str:
        """Return the first value of `name`, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


Decision = Allow | Reply
