"""Ends of cookie sessions in a store: for every process, under hashed names, and never forgotten unnoticed."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import SessionError
from oidc_gate.model import Session
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.seal import KeyRing
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.ends import Ends
from oidc_gate.session.shared_revocations import SharedRevocations
from oidc_gate.session.ticket import Tickets
from oidc_gate.store.base import KEY_BYTES, Added, ExpiringKey
from oidc_gate.store.memory import MemoryStore
from tests.core.provider.scripted import settings
from tests.core.session.test_record import NOW, SESSION, WHO

T = TypeVar("T")
OLD, NEW = "o" * 50, "n" * 50
BOB = SESSION._replace(identity=replace(WHO, subject="bob", session_id="of bob"), sid="bob's sid")


class Watched(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[bytes] = []

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        assert announce is (key.kind != "known")
        self.names += [key.name] if announce else []
        return super().add_once(key, until, now, announce=announce)


class Process:
    def __init__(self, store: MemoryStore, *secrets: str) -> None:
        self.now = NOW
        given = settings(clock_skew_seconds=60)
        self.world = World(given, store=store, clock=lambda: self.now)
        ring = KeyRing(secrets or (OLD,), binding=("a", "b"))
        ends = Ends(store, SessionCache(10, 1 << 20))
        self.revocations = SharedRevocations(given, ring, "__Host-oidc_gate", ends)

    def drive(self, step: Step[T]) -> T:
        return run(step, self.world, lambda limit: b"")

    def checked(self, session: Session) -> str:
        try:
            self.drive(self.revocations.check(session))
        except SessionError as error:
            return error.code
        return ""


@pytest.fixture
def store() -> Watched:
    store = Watched()
    store.when_added((), NOW)  # its knowledge begins
    return store


@pytest.mark.parametrize(
    "end",
    [
        lambda ours: ours.end(SESSION),
        lambda ours: ours.end_at_provider(subject=WHO.subject, sid=""),
        lambda ours: ours.end_at_provider(subject="", sid=SESSION.sid),
        lambda ours: ours.end_at_provider(subject=WHO.subject, sid=SESSION.sid),
        lambda ours: ours.end_from_frame(SESSION.sid),
    ],
    ids=["itself", "sub", "sid", "sub and sid", "a frame"],
)
def test_an_end_counts_in_every_process_whatever_its_secrets(store: Watched, end: object) -> None:
    processes = [Process(store, *secrets) for secrets in ((OLD,), (NEW, OLD), (NEW,))]
    for one, two in ((0, 1), (1, 0), (1, 2), (2, 1)):
        fresh = Watched()
        fresh.when_added((), NOW)
        pair = [Process(fresh, *secrets) for secrets in ((OLD,), (NEW, OLD), (NEW,))]
        assert pair[two].checked(SESSION) == ""
        assert pair[two].drive(pair[two].revocations.begin(SESSION)) is SESSION
        pair[one].drive(end(pair[one].revocations))  # type: ignore[operator]
        assert pair[two].checked(SESSION) == "session_revoked"
        assert pair[two].checked(BOB) == ""
    assert [process.checked(SESSION) for process in processes] == ["", "", ""]


@pytest.mark.parametrize(
    ("subject", "sid"), [(WHO.subject, "bob's sid"), ("bob", SESSION.sid), ("op-sid", ""), ("", WHO.subject)]
)
def test_an_end_of_something_else_is_none(store: Watched, subject: str, sid: str) -> None:
    process = Process(store)
    process.drive(process.revocations.end_at_provider(subject=subject, sid=sid))
    assert process.checked(SESSION) == ""


def test_a_session_that_began_after_the_logout_goes_on_but_not_one_that_ended_itself(store: Watched) -> None:
    process = Process(store)
    process.drive(process.revocations.end_at_provider(subject=WHO.subject, sid=""))
    later = SESSION._replace(started_at=NOW + 1)
    assert process.checked(later) == ""
    process.now = NOW - 30  # the clock of another server
    process.drive(process.revocations.end(later))
    process.now = NOW + 5
    assert process.checked(later) == "session_revoked"


def test_a_session_older_than_what_the_store_knows_is_refused(store: Watched) -> None:
    process = Process(store)
    assert process.checked(SESSION._replace(started_at=NOW - 1)) == "session_before_store"
    assert process.checked(SESSION._replace(started_at=NOW)) == ""


def test_a_new_session_is_not_older_than_the_store_though_a_clock_is_ahead() -> None:
    store = Watched()
    store.when_added((), NOW + 50)  # by a server whose clock is ahead
    process = Process(store)
    begun = process.drive(process.revocations.begin(SESSION))
    assert begun.started_at == NOW + 50
    assert process.checked(begun) == ""
    assert process.drive(process.revocations.begin(begun)) is begun


def test_a_clock_that_is_further_ahead_than_allowed_moves_nothing() -> None:
    store = Watched()
    store.when_added((), NOW + 61)
    process = Process(store)
    assert process.drive(process.revocations.begin(SESSION)) is SESSION


def test_the_store_sees_hashes_and_caches_tell_a_session_from_a_user(store: Watched) -> None:
    process = Process(store, NEW, OLD)
    process.drive(process.revocations.begin(SESSION))
    process.drive(process.revocations.end(SESSION))
    process.drive(process.revocations.end_at_provider(subject=WHO.subject, sid=SESSION.sid))
    process.drive(process.revocations.end_from_frame(SESSION.sid))
    own, *others = store.names
    assert own == process.revocations.end_key(SESSION)
    assert len(own) == KEY_BYTES
    assert {len(name) for name in others} == {KEY_BYTES + 1}
    assert len(others) == 4
    for text in (WHO.subject, SESSION.sid, WHO.session_id):
        assert not any(text.encode() in name for name in store.names)


def test_a_sid_that_no_session_has_ends_nothing_and_is_not_announced(store: Watched) -> None:
    """Anyone can send a front-channel logout."""
    process = Process(store)
    process.drive(process.revocations.begin(SESSION))
    for number in range(5):
        process.drive(process.revocations.end_from_frame(f"made up {number}"))
    assert store.names == []
    assert process.checked(SESSION) == ""
    process.drive(process.revocations.end_from_frame(SESSION.sid))
    assert len(store.names) == 1
    assert process.checked(SESSION) == "session_revoked"


class Recorded(MemoryStore):
    """A store that keeps what it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        self.calls.append((key, until, now, announce))
        return super().add_once(key, until, now, announce=announce)

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        self.calls.append((keys, now))
        return super().when_added(keys, now)


def test_what_the_store_is_asked_to_do() -> None:
    store = Recorded()
    process = Process(store, NEW, OLD)
    ours, issuer = process.revocations, settings().issuer
    indexes = Tickets(KeyRing((NEW, OLD), binding=("a", "b")), "__Host-oidc_gate").indexes

    def keys(kind: str, what: str, *values: str) -> list[ExpiringKey]:
        return [ExpiringKey(kind, b"*" + index) for index in indexes(f"revoked {what}", issuer, *values)]

    own = ExpiringKey("revoked", sha256(b"sid").digest())
    sub, sid = keys("revoked", "sub", WHO.subject), keys("revoked", "sid", "op-sid")
    both, frame = (
        keys("revoked", "sub+sid", WHO.subject, "op-sid"),
        keys("revoked by a frame", "sid", "op-sid"),
    )
    known = keys("known", "sid", "op-sid")
    until = NOW + settings().session_lifetime_seconds + 60

    def calls(step: Step[object]) -> list[tuple[Any, ...]]:
        store.calls.clear()
        process.drive(step)
        return list(store.calls)

    def added(names: list[ExpiringKey]) -> list[tuple[Any, ...]]:
        return [(name, until, NOW, True) for name in names]

    assert calls(ours.begin(SESSION)) == [*((name, until, NOW, False) for name in known), ((), NOW)]
    assert calls(ours.begin(SESSION._replace(sid=""))) == [((), NOW)]
    assert calls(ours.check(SESSION)) == [((own, *sub, *sid, *both, *frame), NOW)]
    assert calls(ours.check(SESSION._replace(sid=""))) == [((own, *sub), NOW)]
    assert calls(ours.end(SESSION)) == added([own])
    assert calls(ours.end_at_provider(subject=WHO.subject, sid="")) == added(sub)
    assert calls(ours.end_at_provider(subject="", sid="op-sid")) == added(sid)
    assert calls(ours.end_at_provider(subject=WHO.subject, sid="op-sid")) == added(both)
    assert calls(ours.end_from_frame("op-sid")) == [(tuple(known), NOW), *added(frame)]
    later = SESSION._replace(started_at=NOW + 1, identity=replace(WHO, session_id="later"))
    assert calls(ours.check(later)) == [
        ((ExpiringKey("revoked", sha256(b"later").digest()), *sub, *sid, *both, *frame), NOW),
        ((ExpiringKey("revoked", sha256(b"later").digest()),), NOW),
    ]


def test_a_session_that_may_be_kept_has_the_generation_of_the_cache(store: Watched) -> None:
    process = Process(store)
    cache = process.revocations._ends._cache
    cache.clear()
    assert process.drive(process.revocations.check(SESSION)) == cache.generation == 1
    process.drive(process.revocations.end_at_provider(subject=WHO.subject, sid=""))
    later = SESSION._replace(started_at=NOW + 1)
    assert process.drive(process.revocations.check(later)) == cache.generation == 2
    assert process.revocations.are_shared is True


@pytest.mark.parametrize(("ahead", "moves"), [(0, False), (1, True), (60, True), (61, False)])
def test_a_new_session_is_moved_within_the_clock_skew(ahead: int, moves: bool) -> None:
    store = Watched()
    store.when_added((), NOW + ahead)
    process = Process(store)
    begun = process.drive(process.revocations.begin(SESSION))
    assert begun == SESSION._replace(started_at=NOW + ahead if moves else NOW)
