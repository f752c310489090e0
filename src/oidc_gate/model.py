"""The values that the core passes around: all frozen, none with a secret in its ``repr``.

A shell makes one `Request` of what its server hands it; the gate answers with one `Decision`: `Allow`
(call the application) or `Reply` (do not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

HeaderList = tuple[tuple[str, str], ...]


class Headers:
    """Request headers: names in lower case, every value of a repeated name kept in order.

    Values are text as the wire had them, one character per byte (ISO 8859-1).
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        # Lists first: a client may repeat a name ten thousand times, and each longer tuple would be a copy.
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name.lower(), []).append(value)
        self._values = {name: tuple(values) for name, values in found.items()}

    def get(self, name: str, default: str = "") -> str:
        """Return the only or first value of `name` (lower case), or `default`."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of `name` (lower case), in the order they came."""
        return self._values.get(name, ())

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self._values.items() for value in values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a shell saw it, before any proxy header is believed.

    Args:
        method: As on the wire (``GET``); a WebSocket upgrade is ``GET``.
        scheme: ``http`` or ``https``, as the server says, for WebSockets too.
        mount: Where the application is mounted (``SCRIPT_NAME``, ``root_path``), without a trailing slash.
        path: Below the mount, decoded once, as the application dispatches on it; undecodable bytes stand as
            surrogate escapes.
        raw_path: Below the mount, percent-encoded as it stood in the request line, or encoded anew.
        query: Without the ``?``, not decoded.
        peer: Address of the TCP peer; ``unix`` for a Unix socket; empty when the server does not say.
        request_id: Stands in the log and on error pages.
        is_ambiguous: Applications disagree on which path this is; it is never public.
    """

    method: str
    scheme: str
    mount: str
    path: str
    raw_path: str
    query: str = field(repr=False)  # it may hold a code
    headers: Headers = field(default_factory=Headers)
    peer: str = ""
    is_websocket: bool = False
    request_id: str = "-"
    is_ambiguous: bool = False

    @property
    def host(self) -> str:
        """The ``Host`` header as sent; empty when there is none or more than one (RFC 9112 §3.2)."""
        hosts = self.headers.all("host")
        return hosts[0] if len(hosts) == 1 else ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in.

    Attributes:
        issuer: The provider's issuer identifier; with `subject` it is the person's name for good.
        subject: ``sub``: unique at that issuer, never reassigned (OpenID Connect Core §2).
        email: As the provider gives it, or empty.
        email_verified: True only if the provider says so; absent is false.
        groups: The groups claim, as text, in the provider's order.
        claims: The remaining claims of ID token and userinfo, read-only.
        provider: The configured name of the provider, else its host.
        session_id: New at every sign-in; not a secret by which anything opens.
        authenticated_at: When the person last proved who they are (``auth_time``, else the sign-in), epoch seconds.
        expires_at: When this session ends at the latest, epoch seconds.
        acr: Authentication context class, or empty.
        amr: Authentication methods (RFC 8176).
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

    @property
    def label(self) -> str:
        """What a page calls this person: e-mail, else user name, else name, else subject."""
        return self.email or self.preferred_username or self.name or self.subject


class Session(NamedTuple):
    """A signed-in identity and the clocks that end it: a tuple, which is made three times as fast as a dataclass.

    Attributes:
        started_at: When this sign-in ended here; a logout of the person ends what started before it.
        last_seen: When the session was last written with a fresh idle clock, epoch seconds.
        sid: The provider's own session id, for logout (OpenID Connect Back-Channel Logout §2.1), or empty.
        id_token, access_token: Only where the settings ask to keep them.
    """

    identity: Identity
    started_at: int
    last_seen: int
    sid: str = ""
    id_token: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return f"Session({self.identity!r}, started_at={self.started_at}, last_seen={self.last_seen})"


class Reason(NamedTuple):
    """Why a decision was made: for the log, and for nothing that a client sees.

    Args:
        code: A code of `oidc_gate.observe.events`, or that of a `GateError`.
        rule: The rule that decided, where one did (``allowed_groups``).
        detail: Further words. They hold no secret, and text from a client only as `ascii` shows it.
        notes: Other events on the same request, each of which gets a line of its own.
    """

    code: str
    rule: str = ""
    detail: str = ""
    notes: tuple[Reason, ...] = ()


NO_REASON = Reason("")
"""The reason of a reply that is not finished; `oidc_gate.gate` never returns one."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Call the application.

    Args:
        identity: Who it is; None on a public path for an anonymous visitor and for a user whom the rules refuse.
        headers: Identity headers to set, after every spelling of their names was stripped.
        set_cookies: ``Set-Cookie`` values to add to the application's response: a renewed session. Left out
            of a response that a shared cache may keep.
        signs_in: Makes what replaces the application's own 401 where `identity` is None: the sign-in, or 403 for
            a user whom the rules refuse; None if the application's own answer stays.
        reason: Why the request may pass.
    """

    identity: Identity | None
    headers: HeaderList = field(default=(), repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    signs_in: Callable[[], Reply | None] | None = None
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer for the application, which is not called.

    Args:
        drains: Read and drop up to 1 MiB of the request's body first, so that a client in the middle of an
            upload sees this answer and not a broken connection.
        reason: Why this is the answer.
    """

    status: int
    headers: HeaderList = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    drains: bool = False
    reason: Reason = NO_REASON

    def because(
        self, code: str, detail: str = "", *, rule: str = "", notes: tuple[Reason, ...] = ()
    ) -> Reply:
        """Return this reply with the reason for it; see `Reason`."""
        return replace(self, reason=Reason(code, rule, detail, notes))

    def header(self, name: str) -> str:
        """Return the first value of `name`, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


Decision = Allow | Reply
