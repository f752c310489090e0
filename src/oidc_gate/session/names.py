"""The names under which a session is found in a store, and its label.

Names are hashes. A session ID is random, so its plain hash reveals nothing. A subject or an e-mail address could be
found by hashing guesses, so their names are HMACs (`oidc_gate.session.ticket.Tickets.indexes`).
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from ..store.base import Row, Selector
from .ticket import ID_BYTES, Tickets

_LABEL_VERSION = 1


def ticket_id(session_id: str) -> bytes:
    """Return the ID in the ticket of a session, from which the key of its row follows (`Ticket.row_key`)."""
    return hashlib.sha256(b"ticket\0" + session_id.encode("utf-8", "surrogatepass")).digest()[:ID_BYTES]


def row_key(session_id: str) -> bytes:
    """Return the key of the row of a session, by `Identity.session_id`."""
    return hashlib.sha256(ticket_id(session_id)).digest()


class SessionNames:
    """Selects sessions in a store. It is safe under threads.

    Args:
        issuer: The issuer identifier of the provider.
    """

    def __init__(self, tickets: Tickets, issuer: str) -> None:
        self._tickets, self._issuer = tickets, issuer

    def indexes_of(self, session: Session) -> tuple[bytes, ...]:
        """Return every index of `session`: of its user, its session at the provider, and its e-mail address."""
        identity = session.identity
        found = self._of_subject(identity.subject)
        if session.sid:
            found += self._of_sid(session.sid)
        if identity.email:
            found += self._of_email(identity.email)
        return found

    def of_session(self, session_id: str) -> Selector:
        """Select one session, by `Identity.session_id`."""
        return Selector(keys=(row_key(session_id),))

    def of_subject(self, subject: str) -> Selector:
        """Select the sessions of one user."""
        return Selector(indexes=self._of_subject(subject))

    def of_sid(self, sid: str) -> Selector:
        """Select the sessions of one session at the provider."""
        return Selector(indexes=self._of_sid(sid))

    def of_email(self, email: str) -> Selector:
        """Select the sessions of one e-mail address, in any case."""
        return Selector(indexes=self._of_email(email))

    def _of_subject(self, subject: str) -> tuple[bytes, ...]:
        return self._tickets.indexes("sub", self._issuer, subject)

    def _of_sid(self, sid: str) -> tuple[bytes, ...]:
        return self._tickets.indexes("sid", self._issuer, sid)

    def _of_email(self, email: str) -> tuple[bytes, ...]:
        return self._tickets.indexes("email", email.strip().lower())


class Label(NamedTuple):
    """The part of a session that an administrator can read without its cookie."""

    email: str
    subject: str
    session_id: str
    started_at: int

    def __repr__(self) -> str:
        return f"Label(started_at={self.started_at})"


def seal_label(tickets: Tickets, key: bytes, session: Session, nonce: bytes) -> bytes:
    """Return the label of `session` for the row `key`, sealed."""
    identity = session.identity
    fields = [_LABEL_VERSION, identity.email, identity.subject, identity.session_id, session.started_at]
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return tickets.seal_label(key, text.encode("utf-8", "surrogatepass"), nonce)


def open_label(tickets: Tickets, row: Row) -> Label:
    """Return the label of a row.

    Raises:
        SessionError: It was sealed for another row, under a secret that was removed, or by another version.
    """
    opened = tickets.open_label(row.key, row.label)
    try:
        fields = json.loads(opened.decode("utf-8", "surrogatepass"))
        version, email, subject, session_id, started_at = fields[:5]  # a later release may add some
        if version != _LABEL_VERSION:
            raise ValueError(version)
    except (ValueError, TypeError, LookupError) as error:  # a slice can be a key since Python 3.12
        raise SessionError("session_record", "The session was made by another version.") from error
    return Label(email, subject, session_id, started_at)
