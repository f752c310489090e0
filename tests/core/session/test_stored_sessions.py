"""Sessions in a store, step by step: what is written, compared and swapped, and what a writer to the store can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import GateError, SessionError, StoreUnavailable
from oidc_gate.model import Session
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.seal import KeyRing
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.cookie_jar import Cookies
from oidc_gate.session.ends import Ends
from oidc_gate.session.names import open_label, row_key, ticket_id
from oidc_gate.session.record import MAX_STORED_BYTES
from oidc_gate.session.sessions import MUST_NOT_BE_KEPT, LoadedSession
from oidc_gate.session.stored_sessions import StoredSessions
from oidc_gate.store.base import EVERYTHING, Row, Selector, unavailable
from oidc_gate.store.memory import MemoryStore
from oidc_gate.syntax.base64url import b64url_decode
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, WHO, header

T = TypeVar("T")


class Home:
    """A store, and the sessions of one process in it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.now = NOW
        self.store = store or MemoryStore()
        given = settings(public_url="https://app.example.com")
        self.world = World(given, store=self.store, clock=lambda: self.now)
        self.cache: SessionCache[object] = SessionCache(10, 1 << 20)  # type: ignore[type-var]
        ring = KeyRing(given.cookie_secret, binding=("a", "b"))
        ends = Ends(self.store, self.cache)
        self.sessions = StoredSessions(given, Cookies(given), ring, "op.example", ends)

    def drive(self, step: Step[T]) -> T:
        return run(step, self.world, lambda limit: b"")

    def write(self, session: Session = SESSION) -> str:
        written = self.drive(self.sessions.write(session))
        assert written.session is session
        return header(written.set_cookies)

    def read(self, cookie: str) -> LoadedSession:
        return self.drive(self.sessions.read(cookie))

    def refused(self, cookie: str) -> str:
        with pytest.raises(SessionError) as caught:
            self.read(cookie)
        return caught.value.code

    def row(self) -> Row:
        (listed,) = self.store.find(EVERYTHING, self.now).rows
        row = self.store.open(listed.key, self.now)
        assert row
        return row

    def change(self, **changes: object) -> None:
        """Do what an attacker can who writes to the store."""
        row = self.row()
        self.store._rows[row.key] = row._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def home() -> Home:
    return Home()


def test_it_comes_back_as_it_was(home: Home) -> None:
    found = home.read(home.write())
    assert found.session == SESSION
    assert (found.at, found.ends_at, found.bodies) == (NOW, NOW + 3600, 0)
    row = home.row()
    assert row.key == row_key(WHO.session_id) == found.end_key
    assert (row.version, row.expires_at, row.leaves_at) == (1, NOW + 28_800, NOW + 3600)
    assert open_label(home.sessions.tickets, row).email == "ada@example.com"


def test_an_identity_with_five_thousand_groups_fits(home: Home) -> None:
    groups = tuple(f"{number:08d}-0000-4000-8000-000000000000" for number in range(5_000))
    session = SESSION._replace(identity=replace(WHO, groups=groups))
    cookie = home.write(session)
    assert len(cookie) < 200
    assert home.read(cookie).session.identity.groups == groups


def test_a_changed_session_takes_the_place_of_the_one_that_was_read(home: Home) -> None:
    cookie = home.write()
    found = home.read(cookie)
    changed = found.session._replace(identity=replace(WHO, groups=("others",)), access_token="fresh")
    written = home.drive(home.sessions.replace(found, changed))
    assert written is not None
    assert written.stored is not None
    assert (written.session, written.value, written.stored.row.version) == (changed, found.value, 2)
    again = home.read(cookie)
    assert (again.session, again.stored) == (changed, written.stored)
    later = SESSION._replace(last_seen=NOW + 600)
    third = home.drive(home.sessions.replace(written, later))
    assert third is not None
    assert third == written._replace(session=later, ends_at=NOW + 4_200, stored=third.stored)
    row = home.row()
    assert (row.version, row.last_seen, row.leaves_at) == (3, NOW + 600, NOW + 4_200)


def test_of_two_that_changed_it_one_loses(home: Home) -> None:
    cookie = home.write()
    one, two = home.read(cookie), home.read(cookie)
    first, second = (SESSION._replace(access_token=token) for token in ("first", "second"))
    assert home.drive(home.sessions.replace(one, first)) is not None
    assert home.drive(home.sessions.replace(two, second)) is None
    assert home.read(cookie).session == first


def test_a_change_never_brings_back_what_has_ended(home: Home) -> None:
    cookie = home.write()
    found = home.read(cookie)
    home.drive(home.sessions.end(found.session))
    assert home.drive(home.sessions.replace(found, SESSION)) is None
    assert home.refused(cookie) == "session_ended"


def test_a_change_takes_nothing_back_of_a_later_request(home: Home) -> None:
    cookie = home.write()
    found = home.read(cookie)
    home.now += 600
    home.drive(home.sessions.renew(home.read(cookie)))
    assert home.drive(home.sessions.replace(found, found.session)) is not None
    assert home.read(cookie).session.last_seen == NOW + 600


def test_the_times_of_the_store_cannot_make_it_last_longer(home: Home) -> None:
    cookie = home.write()
    far = NOW + 10**9
    home.change(expires_at=far, leaves_at=far, last_seen=far)
    home.now = NOW + 28_799
    assert home.read(cookie).session.identity.expires_at == NOW + 28_800
    home.now += 1
    assert home.refused(cookie) == "session_expired"


def test_a_time_before_the_sealed_one_does_not_count(home: Home) -> None:
    cookie = home.write()
    home.change(last_seen=0)
    assert home.read(cookie).session.last_seen == NOW


def test_the_row_of_another_session_or_version_does_not_open(home: Home) -> None:
    cookie = home.write()
    body = home.row().body
    other = Home()
    other.write(SESSION)
    for change in (
        {"body": other.row().body},
        {"version": 2},
        {"body": b""},
        {"body": body[:-1] + bytes([body[-1] ^ 1])},
    ):
        home.change(**({"body": body, "version": 1} | change))
        assert home.refused(cookie) in ("seal_forged", "seal_malformed")


def test_a_head_of_two_cookies_is_no_session(home: Home) -> None:
    cookie = home.write()
    ticket = home.sessions.tickets.open(cookie.split("; ")[0].partition("=")[2])
    head = home.sessions.tickets.seal_body(ticket, 1, b"H1800000000.sid", bytes(12))
    home.change(body=head)
    assert home.refused(cookie) == "session_record"


def test_a_session_that_was_planted_in_front_does_not_hide_it(home: Home) -> None:
    cookie = home.write()
    other = home.write(SESSION._replace(identity=replace(WHO, session_id="another")))
    home.drive(home.sessions.end(SESSION._replace(identity=replace(WHO, session_id="another"))))
    assert home.read(f"{other}; {cookie}").session == SESSION
    assert home.read(f"__Host-oidc_gate=planted; {cookie}").session == SESSION


def test_what_was_read_while_the_view_was_behind_must_not_be_kept(home: Home) -> None:
    cookie = home.write()
    assert home.read(cookie).generation == home.cache.generation
    home.sessions._ends._view.is_current = home.sessions._ends._view.catch_up = lambda: False  # type: ignore[method-assign]
    assert home.read(cookie).generation == MUST_NOT_BE_KEPT


def test_nothing_of_a_secret_is_in_a_repr(home: Home) -> None:
    found = home.read(home.write())
    assert "access token" not in repr(found)
    assert found.value not in repr(found)


class Recorded(MemoryStore):
    """A store that keeps what it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        self.is_down = False

    def _note(self, *call: Any) -> None:
        if self.is_down:
            raise unavailable("taken down by the test")
        self.calls.append(call)

    def put(self, row: Row, before: int, now: int) -> bool:
        self._note("put", row._replace(label=b"", body=b""), before, now)
        return super().put(row, before, now)

    def open(self, key: bytes, now: int) -> Row | None:
        self._note("open", key, now)
        return super().open(key, now)

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        self._note("touch", key, last_seen, leaves_at, now)
        return super().touch(key, last_seen, leaves_at, now)

    def end(self, selector: Selector, now: int) -> int:
        self._note("end", selector, now)
        return super().end(selector, now)

    def taken(self) -> list[tuple[Any, ...]]:
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def recorded() -> tuple[Home, Recorded]:
    store = Recorded()
    home = Home(store)
    return home, store


KEY = row_key(WHO.session_id)


def test_what_the_store_is_asked_to_do(recorded: tuple[Home, Recorded]) -> None:
    home, store = recorded
    indexes = home.sessions.names.indexes_of(SESSION)
    home.now = NOW + 5
    cookie = home.write()
    row = Row(KEY, 1, NOW + 28_800, NOW + 3_600, NOW, indexes)
    assert store.taken() == [("put", row, 0, NOW + 5)]
    home.now = NOW + 400
    found = home.read(cookie)
    assert store.taken() == [("open", KEY, NOW + 400)]
    assert home.drive(home.sessions.renew(found)) == (SESSION._replace(last_seen=NOW + 400), ())
    assert store.taken() == [("touch", KEY, NOW + 400, NOW + 4_000, NOW + 400)]
    home.now = NOW + 401
    again = home.drive(home.sessions.reload(found))
    assert again == found._replace(
        session=SESSION._replace(last_seen=NOW + 400),
        at=NOW + 401,
        ends_at=NOW + 4_000,
        stored=again.stored,
    )
    assert again.stored is not None
    assert again.stored.row == home.row()._replace(body=b"")
    store.taken()
    assert home.drive(home.sessions.read_again(SESSION)) == again.session
    later = SESSION._replace(last_seen=NOW + 401)
    assert home.drive(home.sessions.read_again(later)) == later
    assert store.taken() == [("open", KEY, NOW + 401)] * 2
    written = home.drive(home.sessions.replace(again, again.session))
    row = Row(KEY, 2, NOW + 28_800, NOW + 4_000, NOW + 400, indexes)
    assert store.taken() == [("put", row, 1, NOW + 401)]
    assert written is not None
    assert written.stored is not None
    assert written == again._replace(stored=written.stored)
    assert written.stored.row == home.row()._replace(body=b"")
    store.taken()
    for end, selector in (
        (home.sessions.end_at_provider(subject="ada", sid=""), home.sessions.names.of_subject("ada")),
        (home.sessions.end_at_provider(subject="ada", sid="s"), home.sessions.names.of_sid("s")),
        (home.sessions.end_from_frame("s"), home.sessions.names.of_sid("s")),
        (home.sessions.end(SESSION), Selector(keys=(KEY,))),
    ):
        assert home.drive(end) is None
        assert store.taken() == [("end", selector, NOW + 401)]


def test_a_session_that_ended_is_not_read_or_renewed(recorded: tuple[Home, Recorded]) -> None:
    home, store = recorded
    cookie = home.write()
    found = home.read(cookie)
    home.drive(home.sessions.end(SESSION))
    store.taken()
    steps: list[Step[Any]] = [
        home.sessions.renew(found),
        home.sessions.reload(found),
        home.sessions.read_again(SESSION),
        home.sessions.read(cookie),
    ]
    for step in steps:
        with pytest.raises(SessionError) as caught:
            home.drive(step)
        assert caught.value.code == "session_ended"
    with pytest.raises(SessionError) as caught:
        home.sessions.open(cookie, cookie, NOW)
    assert caught.value.code == "session_ended"


def test_a_session_whose_time_cannot_be_stored_is_used_as_it_is(
    recorded: tuple[Home, Recorded], caplog: pytest.LogCaptureFixture
) -> None:
    home, store = recorded
    found = home.read(home.write())
    store.is_down = True
    assert home.drive(home.sessions.renew(found._replace(at=NOW + 400))) == (SESSION, ())
    assert [(line.name, line.levelname) for line in caplog.records] == [("oidc_gate.store", "WARNING")]
    assert "taken down by the test" in caplog.text


def test_a_second_session_with_the_same_id_is_not_written(recorded: tuple[Home, Recorded]) -> None:
    home, _ = recorded
    home.write()
    with pytest.raises(StoreUnavailable, match="there is a session with this ID"):
        home.drive(home.sessions.write(SESSION))


def test_a_cookie_that_the_gate_did_not_seal_is_refused_without_the_store(
    recorded: tuple[Home, Recorded],
) -> None:
    home, store = recorded
    assert home.refused("__Host-oidc_gate=x; __Host-oidc_gate=y") == "seal_malformed"
    assert home.refused("x=1") == "no_cookie"
    assert store.taken() == []


def test_the_cookie_is_a_ticket_and_those_of_a_cookie_session_are_removed(home: Home) -> None:
    home.now = NOW + 100
    (cookie, *cleared) = home.drive(home.sessions.write(SESSION)).set_cookies
    value, _, attributes = cookie.partition(";")
    assert len(value.removeprefix("__Host-oidc_gate=")) == 107
    assert attributes == " Max-Age=28700; Path=/; Secure; HttpOnly; SameSite=Lax"
    jar = home.sessions._cookies
    assert cleared == [jar.clear(jar.body), jar.clear(jar.body2)]
    ticket = home.sessions.tickets.open(value.partition("=")[2])
    assert (ticket.id, ticket.secret) == (ticket_id(WHO.session_id), 0)
    assert home.sessions.clear(f"{value}; x=1; __Host-oidc_gate.flow1=y") == (
        jar.clear(jar.main),
        jar.clear(jar.flows[1]),
    )
    assert home.drive(home.sessions.begin(SESSION)) is SESSION
    assert (home.sessions.are_stored, home.sessions.ends_are_shared) == (True, True)


def test_keys_and_nonces_are_never_used_twice(home: Home) -> None:
    cookie = home.write()
    first = home.row()
    found = home.read(cookie)
    home.drive(home.sessions.replace(found, SESSION))
    second = home.row()
    seen = [first.body[4:16], second.body[4:16], first.label[4:16], second.label[4:16]]
    value = b64url_decode(cookie.partition("=")[2])
    assert len({value[4:16], *seen}) == 5
    other = Home()
    assert found.stored is not None
    ticket = other.sessions.tickets.open(other.write().partition("=")[2])
    assert ticket.key != found.stored.ticket.key


def test_a_session_that_is_too_large_for_a_row_is_shortened_or_refused(home: Home) -> None:
    long = SESSION._replace(id_token="x" * MAX_STORED_BYTES)
    written = home.drive(home.sessions.write(long))
    assert written.session == long._replace(id_token="")
    found = home.read(header(written.set_cookies))
    assert found.session == long._replace(id_token="")
    changed = home.drive(home.sessions.replace(found, long))
    assert changed is not None
    assert changed.session == long._replace(id_token="")
    with pytest.raises(GateError) as caught:
        home.drive(home.sessions.replace(changed, SESSION._replace(access_token="x" * MAX_STORED_BYTES)))
    assert caught.value.code == "session_too_large"
    almost = SESSION._replace(id_token="x" * (MAX_STORED_BYTES - 1_000))
    changed = home.drive(home.sessions.replace(changed, almost))
    assert changed is not None
    assert home.read(header(written.set_cookies)).session == almost
