"""Tickets: what the cookie holds when the session is kept in a store, and how that session is sealed there.

The cookie holds a ticket, sealed under `cookie_secret`: a random id and a random key. The store holds a row under
SHA-256 of the id, whose body is sealed under a key that is derived from both `cookie_secret` and the ticket's key. So

- the store alone opens nothing, and neither does the store together with `cookie_secret`: the key is in the cookie;
- a cookie that was made up is refused without asking the store;
- a row cannot be made, altered, or put in the place of another: the row's key and version are authenticated with it.

Who can write to the store can delete rows, put an old version of a row back, and change the times that are in the
clear; the times that limit a session must therefore be in its sealed body too.
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
    """A session's id and the key that opens its row.

    Attributes:
        id: 128 random bits. The store knows only its SHA-256.
        key: 256 random bits, which only the cookie holds.
        secret: The place in the ring of the secret that sealed the cookie. The row is sealed under the same one, so
            that a process which does not know a newer secret yet can still open it.
    """

    id: bytes
    key: bytes
    secret: int = 0

    @property
    def row_key(self) -> bytes:
        """The key of the session's row: SHA-256 of the id."""
        return hashlib.sha256(self.id).digest()

    def __repr__(self) -> str:
        return "Ticket(...)"


class Tickets:
    """Seals and opens tickets, and what the store holds for them. Safe under threads.

    Args:
        ring: The secrets; the newest seals, all open.
        cookie_name: A ticket of one cookie opens under no other name.
    """

    def __init__(self, ring: KeyRing, cookie_name: str) -> None:
        self._cookie = ring.sealer("ticket", cookie_name)
        self._body = ring.sealer("stored session")
        self._label = ring.sealer("session label")
        self._index_keys = ring.mac_keys("session index")

    def issue(self, random: bytes) -> Ticket:
        """Return a new ticket made of `TICKET_BYTES` random bytes."""
        if len(random) != TICKET_BYTES:
            raise ValueError(f"a ticket takes {TICKET_BYTES} random bytes, not {len(random)}")
        return Ticket(random[:ID_BYTES], random[ID_BYTES:])

    def seal(self, ticket: Ticket, nonce: bytes) -> str:
        """Return the value of the cookie, 107 characters."""
        return self._cookie.seal(ticket.id + ticket.key, nonce)

    def open(self, value: str) -> Ticket:
        """Return the ticket in the value of a cookie.

        Raises:
            SessionError: It was not sealed here, or holds no ticket; the code says why.
        """
        opened = self._cookie.open(value)
        if len(opened) < TICKET_BYTES:
            raise SessionError("session_record", "The session was made by another version.")
        # A later release may append to it.
        return Ticket(opened[:ID_BYTES], opened[ID_BYTES:TICKET_BYTES], self._cookie.secret_of(value))

    def seal_body(self, ticket: Ticket, version: int, body: bytes, nonce: bytes) -> bytes:
        """Return `body` as the store may hold it, in version `version` of the ticket's row."""
        sealer = self._body.bound_to(ticket.key, ticket.secret)
        return sealer.seal_bytes(body, nonce, _context(ticket.row_key, version))

    def open_body(self, ticket: Ticket, version: int, sealed: bytes) -> bytes:
        """Return the body of version `version` of the ticket's row.

        Raises:
            SessionError: It was sealed for another ticket, row or version, or has been changed.
        """
        return self._body.bound_to(ticket.key).open_bytes(sealed, _context(ticket.row_key, version))

    def seal_label(self, row_key: bytes, label: bytes, nonce: bytes) -> bytes:
        """Return what ``oidc-gate sessions list`` shows of a session, as the store may hold it."""
        return self._label.seal_bytes(label, nonce, row_key)

    def open_label(self, row_key: bytes, sealed: bytes) -> bytes:
        """Return the label of a row.

        Raises:
            SessionError: It was sealed for another row, or has been changed.
        """
        return self._label.open_bytes(sealed, row_key)

    def indexes(self, kind: str, *values: str) -> tuple[bytes, ...]:
        """Return the indexes under which a session with these values is found, one for each secret.

        A row is written with all of them and is looked up by all of them, so that processes which know one secret
        more or less find each other's rows while a new secret is rolled out. They are HMACs, since a plain hash of
        an e-mail address can be found by trying addresses.

        Args:
            kind: What the values are, such as ``sub``.
            values: Such as issuer and subject. Each is authenticated with its length.
        """
        parts = [part.encode("utf-8", "surrogatepass") for part in (kind, *values)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return tuple(hmac.digest(key, message, hashlib.sha256) for key in self._index_keys)


def _context(row_key: bytes, version: int) -> bytes:
    return row_key + version.to_bytes(8, "big")
