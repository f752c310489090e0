"""What a process knows about ends, and its cache: nothing that ended unheard is kept or counts."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from oidc_gate.effects import Step
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.session.admissions import Admission
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.ends import Ends
from oidc_gate.session.sessions import MUST_NOT_BE_KEPT
from oidc_gate.store.base import EVERYTHING, KEY_BYTES, ExpiringKey, OnEnds, Row, Selector, Store
from oidc_gate.store.memory import MemoryStore
from tests.core.provider.scripted import settings

T = TypeVar("T")
NOW = 1_800_000_000
KEYS = tuple(bytes([number]) * KEY_BYTES for number in range(4))


class LateView:
    """A view that reports when it is told to."""

    def __init__(self, on_ends: OnEnds) -> None:
        self.on_ends, self.current, self.can_catch_up = on_ends, True, True
        self.late: list[tuple[bytes, ...] | None] = []

    def is_current(self) -> bool:
        return self.current

    def catch_up(self) -> bool:
        while self.can_catch_up and self.late:
            self.on_ends(self.late.pop(0))
        self.current = self.can_catch_up
        return self.current

    def close(self) -> None:
        self.late.clear()


class LateStore(MemoryStore):
    """A store as over a network."""

    last: LateView

    def view(self, on_ends: OnEnds) -> LateView:
        self.last = LateView(on_ends)
        return self.last


class Home:
    def __init__(self, store: MemoryStore) -> None:
        self.store, self.cache = store, SessionCache[Admission[str]](10, 1 << 20)
        self.ends = Ends(store, self.cache)
        self.world = World(settings(), store=store)
        for number, key in enumerate(KEYS):
            self.store.put(Row(key, 1, NOW + 60, NOW + 60, NOW, (key[::-1],)), 0, NOW)
            admission = Admission(NOW + 60, "payload", key, 1)
            self.cache.put(str(number), admission, self.cache.generation, NOW)

    def drive(self, step: Step[T]) -> T:
        return run(step, self.world, lambda limit: b"")

    def kept(self) -> list[int]:
        return [number for number in range(len(KEYS)) if self.cache.get(str(number))]


def test_a_session_that_ended_is_forgotten_and_no_other() -> None:
    home = Home(MemoryStore())
    generation = home.cache.generation
    home.store.end(Selector(keys=(KEYS[1],)), NOW)
    assert home.kept() == [0, 2, 3]
    assert home.cache.generation != generation
    home.store.end(Selector(indexes=(KEYS[2][::-1],)), NOW)
    assert home.kept() == [0, 3]


def test_everything_is_forgotten_if_it_is_not_known_what_ended() -> None:
    home = Home(MemoryStore())
    home.store.end(EVERYTHING, NOW)
    assert home.kept() == []
    home = Home(MemoryStore())
    home.store.add_once(ExpiringKey("revoked", b"*" + KEYS[0]), NOW + 1, NOW, announce=True)
    assert home.kept() == []


def test_a_read_catches_up_first_and_may_be_kept_then() -> None:
    store = LateStore()
    home = Home(store)
    store.last.current, store.last.late = False, [(KEYS[0],)]
    answer: Any = home.drive(home.ends.read(lambda store: store.open(KEYS[1], NOW)))
    assert home.kept() == [1, 2, 3]
    assert (answer.generation, answer.result.key) == (home.cache.generation, KEYS[1])


def test_what_is_read_while_it_cannot_catch_up_is_never_kept() -> None:
    store = LateStore()
    home = Home(store)
    store.last.current = store.last.can_catch_up = False
    answer: Any = home.drive(home.ends.read(lambda store: store.open(KEYS[1], NOW)))
    assert (answer.generation, answer.result.key) == (MUST_NOT_BE_KEPT, KEYS[1])
    home.cache.put("new", Admission(NOW + 60, "payload", KEYS[1], 1), answer.generation, NOW)
    assert home.cache.get("new") is None


def test_an_end_during_a_read_keeps_it_from_being_kept() -> None:
    home = Home(MemoryStore())

    def open_and_end(store: Store) -> Row | None:
        row = store.open(KEYS[1], NOW)
        store.end(Selector(keys=(KEYS[1],)), NOW)
        return row

    answer: Any = home.drive(home.ends.read(open_and_end))
    home.cache.put("new", Admission(NOW + 60, "payload", KEYS[1], 1), answer.generation, NOW)
    assert home.cache.get("new") is None


@pytest.mark.parametrize("key", [b"", KEYS[0][:-1], b"*" + KEYS[0]])
def test_everything_is_forgotten_if_one_of_the_ends_is_not_that_of_one_session(key: bytes) -> None:
    store = LateStore()
    home = Home(store)
    store.last.on_ends((KEYS[1], key))
    assert home.kept() == []


def test_ends_that_may_have_been_missed_remove_everything_and_none_removes_nothing() -> None:
    store = LateStore()
    home = Home(store)
    generation = home.cache.generation
    store.last.on_ends(())
    assert (home.kept(), home.cache.generation) == ([0, 1, 2, 3], generation)
    store.last.on_ends((KEYS[0], KEYS[3]))
    assert home.kept() == [1, 2]
    store.last.on_ends(None)
    assert home.kept() == []


@pytest.mark.parametrize("is_current", [True, False])
@pytest.mark.parametrize("can_catch_up", [True, False])
def test_a_view_that_is_current_is_not_asked_to_catch_up(is_current: bool, can_catch_up: bool) -> None:
    store = LateStore()
    home = Home(store)
    store.last.current, store.last.can_catch_up, store.last.late = is_current, can_catch_up, [(KEYS[0],)]
    answer: Any = home.drive(home.ends.read(lambda store: "read"))
    expected = home.cache.generation if is_current or can_catch_up else MUST_NOT_BE_KEPT
    assert answer == (expected, "read")
    assert (0 in home.kept()) is (is_current or not can_catch_up)
    assert home.drive(home.ends.ensure_current()) is (is_current or can_catch_up)
    assert (0 in home.kept()) is (is_current or not can_catch_up)
    assert home.drive(home.ends.catch_up()) is can_catch_up
    assert (0 in home.kept()) is not can_catch_up
