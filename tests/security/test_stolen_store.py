"""A stolen session store opens nothing; stolen with `cookie_secret` it says who was signed in, and no token."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from oidc_gate.errors import SessionError
from oidc_gate.seal import KeyRing
from oidc_gate.session.ticket import TICKET_BYTES, Ticket, Tickets
from oidc_gate.store.base import EVERYTHING, Row, Selector
from oidc_gate.store.sqlite import SqliteStore

SECRET, ISSUER = "s3cr3t-of-the-gate-for-this-test-alone-0123456789", "https://op.example"
NOW = int(time.time())
DEMO_USERS = ("alice", "bob")


def tickets(secret: str = SECRET) -> Tickets:
    return Tickets(KeyRing((secret,), binding=(ISSUER, "client")), "__Host-oidc_gate")


def body_of(name: str) -> bytes:
    tokens = [f"access-token-of-{name}", f"refresh-token-of-{name}"]
    return json.dumps([f"sub-of-{name}", f"{name}@example.com", f"group-of-{name}", *tokens]).encode()


def row_of(ours: Tickets, name: str) -> tuple[Ticket, Row]:
    ticket = ours.issue(os.urandom(TICKET_BYTES))
    indexes = ours.indexes("sub", ISSUER, f"sub-of-{name}") + ours.indexes("email", f"{name}@example.com")
    label = ours.seal_label(ticket.row_key, f"{name}@example.com".encode(), os.urandom(12))
    body = ours.seal_body(ticket, 1, body_of(name), os.urandom(12))
    return ticket, Row(ticket.row_key, 1, NOW + 3600, NOW + 3600, NOW, indexes, label, body)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "sessions.db")


@pytest.fixture
def signed_in(store: SqliteStore) -> dict[str, Ticket]:
    found = {}
    for name in DEMO_USERS:
        found[name], row = row_of(tickets(), name)
        assert store.put(row, 0, NOW)
    return found


def dump(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


def spellings(text: str) -> set[bytes]:
    raw = text.encode()
    encoded = {base64.b64encode(raw[start:])[:-4] for start in range(3)}
    return {raw, raw.hex().encode(), raw[::-1], text.upper().encode(), *encoded}


def test_a_stolen_store_shows_no_claim_address_subject_or_token(
    store: SqliteStore, signed_in: dict[str, Ticket], tmp_path: Path
) -> None:
    everything = dump(tmp_path)
    assert len(everything) > 10_000
    for name in DEMO_USERS:
        assert signed_in[name].row_key in everything, "this is the dump"
        for text in json.loads(body_of(name)):
            assert not any(spelling in everything for spelling in spellings(text)), text
        assert signed_in[name].id not in everything
        assert signed_in[name].key not in everything


def test_a_stolen_store_opens_nothing_without_the_secret(
    store: SqliteStore, signed_in: dict[str, Ticket]
) -> None:
    stranger = tickets("x" * 48)
    for listed in store.find(EVERYTHING, NOW).rows:
        with pytest.raises(SessionError):
            stranger.open_label(listed.key, listed.label)
    for ticket in signed_in.values():
        row = store.open(ticket.row_key, NOW)
        assert row
        with pytest.raises(SessionError):
            stranger.open_body(ticket, row.version, row.body)
        assert not set(row.indexes) & set(stranger.indexes("email", "alice@example.com"))


def test_a_store_stolen_with_the_secret_says_who_and_opens_no_session(
    store: SqliteStore, signed_in: dict[str, Ticket]
) -> None:
    ours = tickets()
    rows = store.find(EVERYTHING, NOW).rows
    assert {ours.open_label(row.key, row.label) for row in rows} == {b"alice@example.com", b"bob@example.com"}
    for ticket in signed_in.values():
        found = store.open(ticket.row_key, NOW)
        assert found
        # What is in the store, and the secret, are all that the thief has: no ticket's key, and no way to its id.
        for key in (bytes(32), found.key, *found.indexes, found.body[:32], found.label[:32]):
            with pytest.raises(SessionError):
                ours.open_body(Ticket(ticket.id, key), found.version, found.body)


def test_who_writes_to_the_store_makes_alters_and_swaps_no_session(
    store: SqliteStore, signed_in: dict[str, Ticket], tmp_path: Path
) -> None:
    ours, alice, bob = tickets(), signed_in["alice"], signed_in["bob"]
    original = store.open(bob.row_key, NOW)
    assert original

    def opens(change: str, *values: object) -> bool:
        with closing(sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)) as database:
            database.execute(
                "UPDATE sessions SET version = 1, body = ? WHERE key = ?", (original.body, bob.row_key)
            )
            database.execute(change, values)
        row = store.open(bob.row_key, NOW)
        assert row
        try:
            return bool(ours.open_body(bob, row.version, row.body))
        except SessionError:
            return False

    assert opens("UPDATE sessions SET last_seen = last_seen")
    of_alice = "UPDATE sessions SET body = (SELECT body FROM sessions WHERE key = ?) WHERE key = ?"
    assert not opens(of_alice, alice.row_key, bob.row_key)
    assert not opens("UPDATE sessions SET version = 2 WHERE key = ?", bob.row_key)
    changed = original.body[:-1] + bytes([original.body[-1] ^ 1])
    assert not opens("UPDATE sessions SET body = ? WHERE key = ?", changed, bob.row_key)
    made = KeyRing(("x" * 48,), binding=(ISSUER, "client")).sealer("stored session").bound_to(bytes(32))
    assert not opens(
        "UPDATE sessions SET body = ? WHERE key = ?", made.seal_bytes(b"[]", bytes(12)), bob.row_key
    )


def test_a_session_that_was_ended_is_not_found_by_its_cookie(
    store: SqliteStore, signed_in: dict[str, Ticket]
) -> None:
    ended = store.end(Selector(indexes=tickets().indexes("sub", ISSUER, "sub-of-alice")), NOW)
    assert ended == 1
    assert store.open(signed_in["alice"].row_key, NOW) is None
    assert store.open(signed_in["bob"].row_key, NOW)
