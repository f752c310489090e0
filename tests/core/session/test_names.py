"""By which names a session is found: each selects what it names and nothing else, under every secret."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from oidc_gate.errors import SessionError
from oidc_gate.model import Identity, Session
from oidc_gate.seal import KeyRing
from oidc_gate.session.names import Label, SessionNames, open_label, row_key, seal_label, ticket_id
from oidc_gate.session.ticket import ID_BYTES, Ticket, Tickets
from oidc_gate.store.base import KEY_BYTES, Row

ISSUER = "https://op.example"
OLD, NEW = "o" * 50, "n" * 50
ADA = Identity(ISSUER, "ada", email="Ada@Example.com", session_id="a session id")
SESSION = Session(ADA, 100, 100, "op-sid")


def tickets(*secrets: str) -> Tickets:
    return Tickets(KeyRing(secrets or (OLD,), binding=("a", "b")), "__Host-oidc_gate")


def names(*secrets: str, issuer: str = ISSUER) -> SessionNames:
    return SessionNames(tickets(*secrets), issuer)


def test_each_name_selects_the_session() -> None:
    found = names()
    indexes = set(found.indexes_of(SESSION))
    assert len(indexes) == 3
    for selector in (found.of_subject("ada"), found.of_sid("op-sid"), found.of_email(" ada@example.COM ")):
        assert not selector.keys
        assert set(selector.indexes) <= indexes
    assert found.of_session("a session id").keys == (row_key("a session id"),)
    assert not found.of_session("a session id").indexes


@pytest.mark.parametrize("value", ["ad", "adaa", "op-sid", "ada@example.com", "", "a\0da"])
def test_no_other_value_and_no_other_kind_does(value: str) -> None:
    found = names()
    indexes = set(found.indexes_of(SESSION))
    selected = {"sub": found.of_subject(value), "sid": found.of_sid(value), "email": found.of_email(value)}
    own = {"op-sid": "sid", "ada@example.com": "email"}.get(value)
    for kind, selector in selected.items():
        assert indexes.isdisjoint(selector.indexes) is (kind != own)


def test_what_is_not_known_of_a_session_is_no_name_of_it() -> None:
    plain = Session(replace(ADA, email=""), 100, 100)
    assert names().indexes_of(plain) == names().of_subject("ada").indexes


def test_the_subject_of_another_provider_is_another_name() -> None:
    other = names(issuer="https://other.example")
    assert set(other.of_subject("ada").indexes).isdisjoint(names().indexes_of(SESSION))
    assert set(other.of_sid("op-sid").indexes).isdisjoint(names().indexes_of(SESSION))


def test_processes_with_old_and_new_secrets_find_each_other_s_sessions() -> None:
    before, during, after = names(OLD), names(NEW, OLD), names(NEW)
    for writer, reader in ((before, during), (during, before), (during, after), (after, during)):
        assert set(writer.indexes_of(SESSION)) & set(reader.of_subject("ada").indexes)
    assert set(before.indexes_of(SESSION)).isdisjoint(after.of_subject("ada").indexes)


def test_the_id_in_the_ticket_leads_to_the_row() -> None:
    assert len(ticket_id("x")) == ID_BYTES
    assert Ticket(ticket_id("a session id"), bytes(32)).row_key == row_key("a session id")
    assert len({row_key(each) for each in ("", "a", "b", "\ud800")}) == 4
    assert len(row_key("a")) == KEY_BYTES


def test_names_and_labels_stay_the_same_in_every_release() -> None:
    """Rows of an earlier release are looked for by them."""
    assert ticket_id("a session id").hex() == "1f35639ffd2392594ee419a527685790"
    assert row_key("a session id").hex() == "f76d575beb3de4143019fa529cc92b543a8731c4490f913a9b8b319102a9c223"
    assert [index.hex()[:32] for index in names().indexes_of(SESSION)] == [
        "6a5b89d75a1f8cc693f4429d47548da9",
        "458f670b48d92c0d55775be10b175713",
        "762a9a7e35531a3f3520824dfb1b9c04",
    ]
    key = row_key("a session id")
    sealed = seal_label(tickets(), key, SESSION, bytes(12))
    assert tickets().open_label(key, sealed) == b'[1,"Ada@Example.com","ada","a session id",100]'
    assert sealed.hex()[-64:] == "8260afa4f9476210fcb58b2e12beda709a244db0a2a4b538f80864c09ae3a774"


def test_a_label_says_who_to_who_has_the_secret() -> None:
    key = row_key("a session id")
    row = Row(key, 1, 200, 200, 100, label=seal_label(tickets(), key, SESSION, os.urandom(12)))
    label = open_label(tickets(NEW, OLD), row)
    assert label == Label("Ada@Example.com", "ada", "a session id", 100)
    assert "ada" not in repr(label).lower()
    for wrong in (row._replace(key=bytes(32)), row._replace(label=row.label[:-1]), row._replace(label=b"")):
        with pytest.raises(SessionError):
            open_label(tickets(), wrong)
    with pytest.raises(SessionError):
        open_label(tickets(NEW), row)


@pytest.mark.parametrize("text", ["é\u2028", "a\ud800", "\udfff"])
def test_any_text_of_a_provider_can_be_a_name_and_part_of_a_label(text: str) -> None:
    """JSON allows half of a surrogate pair, and UTF-8 does not."""
    found = names()
    session = Session(replace(ADA, subject=text, email=text, session_id=text), 100, 100, text)
    for selector in (found.of_subject(text), found.of_sid(text), found.of_email(text)):
        assert set(selector.indexes) < set(found.indexes_of(session))
    key = row_key(text)
    sealed = seal_label(tickets(), key, session, bytes(12))
    expected = f'[1,"{text}","{text}","{text}",100]'
    assert tickets().open_label(key, sealed) == expected.encode("utf-8", "surrogatepass")
    row = Row(key, 1, 200, 200, 100, label=sealed)
    assert open_label(tickets(), row) == Label(text, text, text, 100)


@pytest.mark.parametrize("text", [b"[1]", b"{}", b"", b'[2,"e","s","i",1]', b"\xff"])
def test_a_label_of_another_version_is_an_error(text: bytes) -> None:
    key = row_key("x")
    row = Row(key, 1, 200, 200, 100, label=tickets().seal_label(key, text, os.urandom(12)))
    with pytest.raises(SessionError, match="session_record"):
        open_label(tickets(), row)


def test_a_label_of_a_later_release_is_read() -> None:
    key = row_key("x")
    text = b'[1,"e","s","i",1,"a later field"]'
    row = Row(key, 1, 200, 200, 100, label=tickets().seal_label(key, text, os.urandom(12)))
    assert open_label(tickets(), row) == Label("e", "s", "i", 1)
