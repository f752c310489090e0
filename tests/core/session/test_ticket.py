"""Tickets, and what a store holds for them: what opens with which secret, and what does not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.errors import SessionError
from oidc_gate.seal import KeyRing
from oidc_gate.session.ticket import TICKET_BYTES, Ticket, Tickets

OLD, NEW = "o" * 43, "n" * 43
BODY = b'["alice@example.com", "group-of-alice", "refresh-token-of-alice"]'


def tickets(
    *secrets: str, binding: tuple[str, ...] = ("https://op.example", "c"), name: str = "gate"
) -> Tickets:
    return Tickets(KeyRing(secrets or (NEW,), binding=binding), name)


def nonces() -> Callable[[], bytes]:
    counter = count(1)
    return lambda: next(counter).to_bytes(12, "big")


nonce = nonces()


def issued(by: Tickets) -> tuple[Ticket, str]:
    ticket = by.issue(os.urandom(TICKET_BYTES))
    return ticket, by.seal(ticket, nonce())


def test_there_and_back() -> None:
    ours = tickets()
    ticket, cookie = issued(ours)
    assert ours.open(cookie) == ticket
    assert len(cookie) == 107
    sealed = ours.seal_body(ticket, 3, BODY, nonce())
    assert ours.open_body(ours.open(cookie), 3, sealed) == BODY
    label = ours.seal_label(ticket.row_key, b"alice", nonce())
    assert ours.open_label(ticket.row_key, label) == b"alice"
    assert ticket.row_key == hashlib.sha256(ticket.id).digest()


def test_a_ticket_shows_nothing() -> None:
    ticket, _ = issued(tickets())
    assert repr(ticket) == "Ticket(...)"


@pytest.mark.parametrize("size", [0, TICKET_BYTES - 1, TICKET_BYTES + 1])
def test_too_little_randomness_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="48 random bytes"):
        tickets().issue(bytes(size))


def test_a_ticket_of_another_cookie_issuer_or_secret_is_refused() -> None:
    _, cookie = issued(tickets())
    for other in (tickets(name="other"), tickets(binding=("https://op.example", "d")), tickets(OLD)):
        with pytest.raises(SessionError) as caught:
            other.open(cookie)
        assert caught.value.code == "seal_foreign"


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(SessionError):
        tickets().open(text)


def test_a_record_of_a_cookie_session_is_no_ticket() -> None:
    ring = KeyRing((NEW,), binding=("https://op.example", "c"))
    with pytest.raises(SessionError) as caught:
        tickets().open(ring.sealer("ticket", "gate").seal(b"short", nonce()))
    assert caught.value.code == "session_record"


def test_a_later_release_may_append_to_a_ticket() -> None:
    ring = KeyRing((NEW,), binding=("https://op.example", "c"))
    value = ring.sealer("ticket", "gate").seal(bytes(TICKET_BYTES) + b"of a later release", nonce())
    assert tickets().open(value) == Ticket(bytes(16), bytes(32))


def test_the_secret_alone_opens_no_body() -> None:
    """A stolen store with a stolen `cookie_secret`: the ticket's key is missing."""
    ours = tickets()
    ticket, _ = issued(ours)
    sealed = ours.seal_body(ticket, 1, BODY, nonce())
    for key in (bytes(32), ticket.row_key, b"\xff" * 32, bytes([ticket.key[0] ^ 1]) + ticket.key[1:]):
        with pytest.raises(SessionError):
            ours.open_body(ticket._replace(key=key), 1, sealed)
    ring = KeyRing((NEW,), binding=("https://op.example", "c"))
    with pytest.raises(SessionError):
        ring.sealer("stored session").open_bytes(sealed, ticket.row_key + (1).to_bytes(8, "big"))


def test_the_ticket_alone_opens_no_body() -> None:
    ticket, _ = issued(tickets(OLD))
    sealed = tickets(OLD).seal_body(ticket, 1, BODY, nonce())
    with pytest.raises(SessionError):
        tickets(NEW).open_body(ticket, 1, sealed)


def test_a_body_in_the_place_of_another_does_not_open() -> None:
    ours = tickets()
    (alice, _), (bob, _) = issued(ours), issued(ours)
    sealed = ours.seal_body(alice, 2, BODY, nonce())
    swapped = [
        (bob, 2),
        (alice, 1),
        (alice, 3),
        (alice._replace(id=bob.id), 2),
        (bob._replace(key=alice.key), 2),
    ]
    for ticket, version in swapped:
        with pytest.raises(SessionError):
            ours.open_body(ticket, version, sealed)
    with pytest.raises(SessionError):
        ours.open_label(bob.row_key, ours.seal_label(alice.row_key, b"alice", nonce()))


@pytest.mark.parametrize("place", [0, 4, 20, -1])
def test_a_changed_body_does_not_open(place: int) -> None:
    ours = tickets()
    ticket, _ = issued(ours)
    sealed = bytearray(ours.seal_body(ticket, 1, BODY, nonce()))
    sealed[place] ^= 1
    with pytest.raises(SessionError):
        ours.open_body(ticket, 1, bytes(sealed))


def test_a_new_secret_signs_nobody_out_while_it_is_rolled_out() -> None:
    before, both = tickets(OLD), tickets(NEW, OLD)
    ticket, cookie = issued(before)
    sealed = before.seal_body(ticket, 1, BODY, nonce())
    assert both.open_body(both.open(cookie), 1, sealed) == BODY
    # A process with the new secret refreshes the session; one without it still opens what it wrote.
    rewritten = both.seal_body(both.open(cookie), 2, BODY, nonce())
    assert before.open_body(before.open(cookie), 2, rewritten) == BODY


def test_a_secret_that_is_gone_signs_out() -> None:
    ticket, cookie = issued(tickets(OLD))
    after = tickets(NEW)
    with pytest.raises(SessionError):
        after.open(cookie)
    assert tickets(NEW, OLD).open(cookie) == ticket._replace(secret=1)


def test_indexes() -> None:
    ours = tickets(NEW, OLD)
    assert len(ours.indexes("sub", "https://op.example", "alice")) == 2
    assert {len(each) for each in ours.indexes("sub", "https://op.example", "alice")} == {32}
    assert set(tickets(OLD).indexes("sub", "i", "alice")) < set(ours.indexes("sub", "i", "alice"))
    different = [
        ("sub", "i", "alice"),
        ("sid", "i", "alice"),
        ("sub", "ia", "lice"),
        ("sub", "ialice"),
        ("sub", "i", "bob"),
    ]
    assert len({ours.indexes(*each) for each in different}) == len(different)
    assert hashlib.sha256(b"alice@example.com").digest() not in ours.indexes("email", "alice@example.com")
    assert ours.indexes("sub", "i", "a\ud800") != ours.indexes("sub", "i", "a\udfff")
    assert not set(tickets(NEW, binding=("x", "y")).indexes("sub", "i", "a")) & set(
        ours.indexes("sub", "i", "a")
    )


def test_what_a_release_seals_the_next_one_opens() -> None:
    ticket = tickets().issue(bytes(range(TICKET_BYTES)))
    assert (ticket.id, ticket.key, ticket.secret) == (bytes(range(16)), bytes(range(16, 48)), 0)
    assert tickets().seal(ticket, bytes(12)) == (
        "AYKIZQAAAAAAAAAAAAAAALxREZBWoyeq7WnXXW7khBwKS93fgawc0wCdd9AffA3VbATQ0i_pW1BtRXZwApTjrBcftP7x7qV5nt7dOU1_H_U"
    )
    assert (
        tickets().seal_body(ticket, 7, b"body", bytes(12)).hex()
        == "0144902a00000000000000000000000031ec9c1953f5a8c9edb835a32a06c8c0d210233f"
    )
    assert (
        tickets().seal_label(ticket.row_key, b"label", bytes(12)).hex()
        == "010e66d60000000000000000000000008a3fcbeac6a496941dd63ee8c72dfbaaad92527316"
    )
    assert [index.hex() for index in tickets().indexes("sub", "i", "alice")] == [
        "a78d575228e739225ed390bce6cdb65de4d21cf46fa3f6d53966b57da497c981"
    ]
