"""The interface of sessions, in cookies (`cookie_sessions`) or in a store (`stored_sessions`)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..effects import Step
from ..model import Session
from ..store.base import Row
from .ticket import Ticket

MUST_NOT_BE_KEPT = -1
"""A generation that the cache never has."""


ALWAYS = 1 << 62
"""An epoch second that is never reached."""


class Stored(NamedTuple):
    """The place of a session in a store: the ticket in the cookie, and the row as it was read."""

    ticket: Ticket
    row: Row


class LoadedSession(NamedTuple):
    """A session with the value of its cookie.

    Args:
        value: The value of its main cookie, or of all its cookies (`Cookies.session_key`), by which it is cached.
        bodies: How many further cookies contain it: 0 if the main cookie contains all of it.
        weight: An upper bound of the memory that it takes, in bytes.
        at: When it was checked, in epoch seconds.
        ends_at: The epoch second at which it ends if it is not renewed.
        end_key: The key by which the cache finds it when its end is reported.
        generation: The generation of the cache before the session was looked for in a store, or `MUST_NOT_BE_KEPT`;
            None if there is no store.
        stored: Where it is stored; None if it is in cookies.
        fresh_until: The epoch second from which on it may be due for a refresh; see `freshness`.
    """

    session: Session
    value: str
    bodies: int
    weight: int
    at: int
    ends_at: int
    end_key: str | bytes = ""
    generation: int | None = None
    stored: Stored | None = None
    fresh_until: int = ALWAYS

    def __repr__(self) -> str:
        return f"LoadedSession({self.session!r}, at={self.at})"


class Written(NamedTuple):
    """A session as it was written, and the ``Set-Cookie`` values to send; none if the browser has its cookie."""

    session: Session
    set_cookies: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Written({self.session!r})"


class Sessions(Protocol):
    """Reads, writes, renews and ends sessions.

    Each of these steps raises `StoreUnavailable` if there is a store and it does not answer.
    """

    @property
    def are_stored(self) -> bool:
        """Return whether the sessions are in a store. Their cookies then never change, and any request renews them."""

    @property
    def ends_are_shared(self) -> bool:
        """Return whether an end applies in every process, and still does after a restart."""

    def read(self, header: str) -> Step[LoadedSession]:
        """Return the first session in a ``Cookie`` header that opens, has not expired, and has not ended.

        Raises:
            SessionError: There is none. The code gives the reason for the last cookie.
        """

    def open(self, value: str, header: str, now: int) -> LoadedSession:
        """Return the session of one main cookie, if it opens and has not expired.

        Not checked here: whether it has ended.

        Raises:
            SessionError: It does not open, or has expired, or is in a store; see the code.
        """

    def end_key(self, session: Session) -> str | bytes:
        """Return the key under which the end of `session` is reported (`LoadedSession.end_key`)."""

    def read_again(self, session: Session) -> Step[Session]:
        """Return the current state of a session that was read before, without its cookie.

        Not checked here: whether it has expired.

        Raises:
            SessionError: It was ended.
        """

    def begin(self, session: Session) -> Step[Session]:
        """Return a new session as it is to be written. It does not start before the records of ends in a store."""

    def write(self, session: Session) -> Step[Written]:
        """Write a new session, after `begin`.

        Raises:
            GateError: ``session_too_large``.
        """

    def renew(self, loaded: LoadedSession) -> Step[Written]:
        """Write the session with a new idle time.

        Raises:
            SessionError: It ended in the meantime.
        """

    def clear(self, header: str) -> tuple[str, ...]:
        """Return the ``Set-Cookie`` values that remove every cookie of the gate in `header`."""

    def end(self, session: Session) -> Step[None]:
        """End one session, for every copy of its cookie."""

    def end_at_provider(self, *, subject: str, sid: str) -> Step[None]:
        """End the sessions that a logout token names.

        Args:
            subject: The user, all of whose sessions end; empty if only `sid` is given.
            sid: Restricts this to the sessions of this session at the provider; empty for all.

        Spec: OpenID Connect Back-Channel Logout §2.7.
        """

    def end_from_frame(self, sid: str) -> Step[None]:
        """End the sessions of one session at the provider, at the request of a page in a frame.

        Only the `sid` authenticates this request.

        Spec: OpenID Connect Front-Channel Logout §3.
        """
