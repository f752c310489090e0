"""Tickets: the content of the cookie if the session is kept in a store, and how the session is sealed in the store.

The cookie contains a ticket, sealed with `cookie_secret`: a random ID and a random key. The store has a row under the
SHA-256 of the ID. The row's body is sealed with a key that is derived from both `cookie_secret` and the key of the
ticket. Therefore

- the store alone opens no session, and neither does the store together with `cookie_secret`: the key is in the cookie;
- an invented cookie is refused without asking the store;
- a row cannot be created, altered, or put in the place of another row, because its key and version are authenticated.

An attacker who can write to the store can delete rows, restore an old version of a row, and change the times that are
not encrypted. The times that limit a session must therefore also be in its sealed body.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from ..errors import SessionError
from ..seal import KeyRing

ID_BYTES = 16
_KEY_BYTES = 32
TICKET_BYTES = ID_BYTES + _KEY_BYTES


class Ticket(NamedTuple):
    """The ID of a session, and the key that opens its row.

    Attributes:
        id: 128 random bits. The store only knows its SHA-256.
        key: 256 random bits, which only the cookie contains.
        secret: The position, in the list of secrets, of the one that sealed the cookie. The row is sealed with the same
            secret, so that a process that does not know a newer secret yet can still open it.
    """

    id: bytes
    key: bytes
    secret: int = 0

    @property
    def row_key(self) -> bytes:
        """Return the key of the session's row: the SHA-256 of the ID."""
        return hashlib.sha256(self.id).digest()

    def __repr__(self) -> str:
        return "Ticket(...)"


class Tickets:
    """Seals and opens tickets, and what the store keeps for them. It is safe under threads.

    Args:
        ring: The secrets. New tickets are sealed with the newest one, and every one can open tickets.
        cookie_name: The name of the cookie. A ticket that was sealed for one name does not open under another.
    """

    def __init__(self, ring: KeyRing, cookie_name: str) -> None:
        self._cookie = ring.sealer("ticket", cookie_name)
        self._body = ring.sealer("stored session")
        self._label = ring.sealer("session label")
        self._index_keys = ring.mac_keys("session index")

    def issue(self, random: bytes) -> Ticket:
        """Return a new ticket from `TICKET_BYTES` random bytes."""
        if len(random) != TICKET_BYTES:
            raise ValueError(f"a ticket takes {TICKET_BYTES} random bytes, not {len(random)}")
        return Ticket(random[:ID_BYTES], random[ID_BYTES:])

    def seal(self, ticket: Ticket, nonce: bytes) -> str:
        """Return the value of the cookie, which has 107 characters."""
        return self._cookie.seal(ticket.id + ticket.key, nonce)

    def open(self, value: str) -> Ticket:
        """Return the ticket in the value of a cookie.

        Raises:
            SessionError: It was not sealed by this gate, or contains no ticket; see the code.
        """
        opened = self._cookie.open(value)
        if len(opened) < TICKET_BYTES:
            raise SessionError("session_record", "The session was made by another version.")
        # A later release may append fields to the ticket.
        return Ticket(opened[:ID_BYTES], opened[ID_BYTES:TICKET_BYTES], self._cookie.secret_of(value))

    def seal_body(self, ticket: Ticket, version: int, body: bytes, nonce: bytes) -> bytes:
        """Return `body` in sealed form for the store, as version `version` of the ticket's row."""
        sealer = self._body.bound_to(ticket.key, ticket.secret)
        return sealer.seal_bytes(body, nonce, _context(ticket.row_key, version))

    def open_body(self, ticket: Ticket, version: int, sealed: bytes) -> bytes:
        """Return the body of version `version` of the ticket's row.

        Raises:
            SessionError: It was sealed for another ticket, row or version, or was altered.
        """
        return self._body.bound_to(ticket.key).open_bytes(sealed, _context(ticket.row_key, version))

    def seal_label(self, row_key: bytes, label: bytes, nonce: bytes) -> bytes:
        """Return the label of a session, for ``oidc-gate sessions list``, in sealed form for the store."""
        return self._label.seal_bytes(label, nonce, row_key)

    def open_label(self, row_key: bytes, sealed: bytes) -> bytes:
        """Return the label of a row.

        Raises:
            SessionError: It was sealed for another row, or was altered.
        """
        return self._label.open_bytes(sealed, row_key)

    def indexes(self, kind: str, *values: str) -> tuple[bytes, ...]:
        """Return the indexes under which a session with these values can be found, one for each secret.

        A row is written with all of them and looked up by all of them, so that processes with different lists of
        secrets find each other's rows while a secret is being replaced. They are HMACs, because the address behind a
        plain hash of an e-mail address can be found by hashing guesses.

        Args:
            kind: The kind of the values, such as ``sub``.
            values: The values, such as issuer and subject. Each is authenticated together with its length.
        """
        parts = [part.encode("utf-8", "surrogatepass") for part in (kind, *values)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return tuple(hmac.digest(key, message, hashlib.sha256) for key in self._index_keys)


def _context(row_key: bytes, version: int) -> bytes:
    return row_key + version.to_bytes(8, "big")
