"""A stolen session store opens nothing; stolen with `cookie_secret` it says who was signed in, and no token."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import time
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from oidc_gate.errors import SessionError
from oidc_gate.seal import KeyRing
from oidc_gate.session.ticket import TICKET_BYTES, Ticket, Tickets
from oidc_gate.settings import Settings
from oidc_gate.store.base import EVERYTHING, Row, Selector
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.testing import Person, TestProvider
from tests.security.live import CLIENT_SECRET, LiveSite, client
from tests.security.test_secrets_in_logs import sign_in
from tests.shells.site import COOKIE, Shell
from tests.shells.stores import put_stamp, sqlite_url

PEOPLE = [
    Person(sub=f"{name}-at-the-provider", email=f"{name}@corp.example", email_verified=True, name=f"{name} Liddell",
           groups=(f"group-of-{name}",))
    for name in ("alice", "robert")
]  # fmt: skip
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
    put_stamp(tmp_path / "sessions.db")
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


# --- what a gate really writes -------------------------------------------------------------------------


class Robbed(NamedTuple):
    """What a thief has: every byte of the store, and each value in it; and what he must not learn from it."""

    everything: bytes
    blobs: list[bytes]
    texts: list[str]
    settings: Settings


@pytest.fixture(params=["session_store", "revocation_store"])
def robbed(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> Robbed:
    """Two users sign in at a gate, and one of them out."""
    with TestProvider(clients=[client()], people=PEOPLE, auto_login="alice-at-the-provider") as op:
        url = sqlite_url(tmp_path)
        kept = {"pass_access_token": True, "keep_id_token": True} if request.param == "session_store" else {}
        site = LiveSite(shell, op, **{request.param: url}, **kept)
        texts = [site.settings.cookie_secret[0], CLIENT_SECRET]
        for person in PEOPLE:
            op.auto_login = person.sub
            visitor = site.visitor()
            assert sign_in(visitor).status == 302
            assert visitor.get("/").status == 200
            assert site.app.identity is not None
            texts += [person.sub, str(person.email), str(person.name), *person.groups]
            texts += [visitor.cookies[COOKIE], site.app.identity.session_id]
            texts += site.app.header("x-forwarded-access-token")
        visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
    with closing(sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = [row for name in tables for row in database.execute(f"SELECT * FROM {name}")]
    blobs = [value for row in rows for value in row if isinstance(value, bytes)]
    return Robbed(dump(tmp_path), blobs, texts, site.settings)


def test_the_store_of_a_gate_shows_nothing_of_its_users(robbed: Robbed) -> None:
    assert len(robbed.everything) > 10_000
    assert len(robbed.texts) >= 14
    for text in robbed.texts:
        assert not any(spelling in robbed.everything for spelling in spellings(text)), text


def test_the_store_of_a_gate_and_its_secret_show_who_and_no_token(robbed: Robbed) -> None:
    """The thief tries every key that the secret gives, and everything in the store as the key of a ticket."""
    settings, blobs = robbed.settings, robbed.blobs
    ring = KeyRing(settings.cookie_secret, binding=(settings.issuer, settings.client_id))
    keys = [blob for blob in blobs if len(blob) == 32]
    contexts = [b"", *keys, *(key + (1).to_bytes(8, "big") for key in keys)]

    def opened(purpose: str, cookie: str = "") -> set[bytes]:
        sealer = ring.sealer(purpose, cookie)
        found = set()
        for each in (sealer, *(sealer.bound_to(blob[:32]) for blob in blobs if len(blob) >= 32)):
            for sealed, context in product(blobs, contexts):
                with suppress(SessionError):
                    found.add(each.open_bytes(sealed, context))
        return found

    labels = opened("session label")
    if settings.session_store != "cookie":
        assert any(b"alice@corp.example" in label for label in labels), "the keys are those of the gate"
    assert not any(text.encode() in label for label in labels for text in robbed.texts if len(text) > 60)
    for purpose in (
        ("session", COOKIE),
        ("session body", f"{COOKIE}.body"),
        ("ticket", COOKIE),
        ("stored session",),
    ):
        assert opened(*purpose) == set()
