"""The cookies recognised a moment ago: bounded, and without those whose session was ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

import pytest

from oidc_gate.session.admissions import Admission
from oidc_gate.session.cache import ADMIT_ONE_IN, MAX_COOKIES, SessionCache
from oidc_gate.session.sessions import MUST_NOT_BE_KEPT, LoadedSession
from tests.core.session.test_record import SESSION

NOW = 100


def known(name: str, size: int = 10, until: int = NOW + 1) -> Admission[str]:
    return Admission(until=until, payload=name, end_key=f"session of {name}", size=size)


def keep(cache: SessionCache[Admission[str]], names: Iterable[str], size: int = 10, now: int = NOW) -> None:
    for name in names:
        cache.put(name, known(name, size, now + 1), cache.generation, now)


def filled(*names: str, most_entries: int = 100) -> SessionCache[Admission[str]]:
    cache: SessionCache[Admission[str]] = SessionCache(most_entries, 1 << 20)
    keep(cache, names)
    return cache


def numbers(count: int, start: int = 0) -> list[str]:
    return [str(number) for number in range(start, start + count)]


def test_as_many_as_there_is_room_for_all_stay() -> None:
    cache = filled(*numbers(100))
    assert all(cache.get(name) for name in numbers(100))


def test_what_is_of_use_no_more_makes_room_at_once_the_oldest_first() -> None:
    cache = filled(*numbers(100))
    for name in numbers(90, 100):
        keep(cache, [name], now=NOW + 1)
        assert cache.get(name) is not None
        assert len(cache) <= 100
    assert len(cache) > 95
    assert cache.get("50") is None


def test_while_all_are_of_use_few_newcomers_take_the_place_of_the_oldest() -> None:
    cache = filled(*numbers(100))
    admitted = []
    for name in numbers(400, 100):
        keep(cache, [name])
        assert len(cache) <= 100
        admitted += [name] if cache.get(name) is not None else []
    assert 400 / ADMIT_ONE_IN * 0.8 <= len(admitted) <= 400 / ADMIT_ONE_IN * 1.2
    assert [name for name in numbers(100) if cache.get(name) is None] == numbers(len(admitted))


@pytest.mark.parametrize("people", [101, 125, 200, 400])
def test_more_people_than_there_is_room_for_are_recognised_as_often_as_there_is_room(people: int) -> None:
    """One after another, again and again: the oldest first alone would recognise nobody."""
    cache = filled()
    met = 0
    for turn in range(40):
        for name in numbers(people):
            if cache.get(name) is None:
                keep(cache, [name])
                met += turn >= 20
    assert 1 - met / (20 * people) > 0.7 * 100 / people


def test_somebody_new_who_comes_often_is_soon_recognised() -> None:
    cache = filled(*numbers(1_000), most_entries=1_000)
    for times in range(1_000):
        keep(cache, ["new", f"somebody else {times}"])
        if cache.get("new") is not None:
            break
    assert times < 100


@pytest.mark.parametrize(
    ("entries", "admitted", "removed"),
    [
        (1, ["7", "15", "23"], 1 + 2),
        (10, ["7", "15", "23", "31"], 4),
        (64, ["15", "16", "32", "33"], 4),  # two at a time, which makes room for the next as well
        (128, ["23", "24", "25"], 3),
    ],
)
def test_of_the_newcomers_one_in_eight_takes_the_place_of_the_oldest(
    entries: int, admitted: list[str], removed: int
) -> None:
    old, new = [f"old {number}" for number in range(entries)], numbers(int(admitted[-1]) + 1)
    cache = filled(*old, most_entries=entries)
    came = []
    for name in new:
        keep(cache, [name])
        came += [name] if cache.get(name) is not None else []
    assert came == admitted
    assert [name for name in old if cache.get(name) is None] == old[: min(removed, entries)]


def test_only_what_is_of_use_no_more_makes_room_for_every_newcomer() -> None:
    cache = filled(most_entries=2)
    for name, until in (("short", NOW + 1), ("long", NOW + 100)):
        cache.put(name, known(name, until=until), cache.generation, NOW)
    cache.put("first", known("first", until=NOW + 100), cache.generation, NOW + 1)
    assert [cache.get(name) is not None for name in ("short", "long", "first")] == [False, True, True]
    cache.put("second", known("second"), cache.generation, NOW + 99)
    assert [cache.get(name) is not None for name in ("long", "first", "second")] == [True, True, False]
    cache.put("third", known("third"), cache.generation, NOW + 100)
    assert [cache.get(name) is not None for name in ("long", "first", "third")] == [False, True, True]


def test_after_everything_was_removed_the_next_entry_is_the_oldest() -> None:
    cache = filled("a", most_entries=1)
    cache.clear()
    keep(cache, ["b"], now=NOW + 50)
    keep(cache, ["c"], now=NOW + 50)
    assert (cache.get("a"), cache.get("c"), len(cache), cache.size) == (None, None, 1, 10)


def test_a_bound_of_one() -> None:
    cache = filled("a", most_entries=1)
    keep(cache, ["b"], now=NOW + 1)
    assert (cache.get("a"), len(cache)) == (None, 1)
    assert cache.get("b") is not None


def test_the_bound_in_bytes_holds() -> None:
    cache: SessionCache[Admission[str]] = SessionCache(10_000, 20_000)
    for number in range(1_000):
        keep(cache, [f"{number:04}"], size=1_000, now=NOW + number)
        assert cache.size == 1_000 * len(cache) <= 20_000
    assert len(cache) >= 19
    keep(cache, ["huge"], size=20_001, now=NOW + 2_000)
    assert cache.get("huge") is None
    assert len(cache) >= 19
    keep(cache, ["large"], size=19_500, now=NOW + 2_000)
    assert cache.get("large") is not None
    assert cache.size == 19_500


def test_entries_may_take_exactly_as_many_bytes_as_there_are() -> None:
    cache: SessionCache[Admission[str]] = SessionCache(10, 30)
    keep(cache, "abc")
    assert (len(cache), cache.size) == (3, 30)
    keep(cache, ["d"], size=11, now=NOW + 1)
    assert [cache.get(name) is not None for name in "abcd"] == [False, False, True, True]
    assert cache.size == 21
    keep(cache, ["whole"], size=30, now=NOW + 2)
    assert (len(cache), cache.size, cache.get("whole") is not None) == (1, 30, True)
    keep(cache, ["more"], size=31, now=NOW + 9)
    assert (cache.get("whole") is not None, cache.get("more")) == (True, None)


def test_a_cookie_that_is_seen_anew_counts_once_and_is_the_youngest() -> None:
    cache = filled(*"abca", most_entries=3)
    assert cache.size == 10 * len(cache) == 30
    keep(cache, "d", now=NOW + 1)
    assert cache.get("a") is not None
    assert cache.get("b") is None


def test_one_session_does_not_fill_everything() -> None:
    """Whoever sends a cookie that is due again and again is given as many renewed ones."""
    cache = filled("bob", most_entries=1_000)
    for number in range(900):
        cache.put(f"ada {number}", known("ada"), cache.generation, NOW)
    assert len(cache) == 1 + MAX_COOKIES
    assert [cache.get(f"ada {number}") is None for number in (0, 891, 892, 899)] == [True, True, False, False]
    cache.forget("session of ada")
    assert len(cache) == 1


def test_nothing_that_opens_anything_stands_in_a_repr() -> None:
    found = LoadedSession(SESSION, "the cookie", 0, 1, NOW, NOW)
    shown = repr(Admission(until=1, payload="a token", end_key="the id", size=2, loaded=found))
    assert shown == "Admission(until=1, size=2, asked=1, met=1, since=0, checked_at=0)"


def test_a_session_that_was_looked_at_before_a_revocation_is_not_kept_after_it() -> None:
    cache = filled("kept")
    before = cache.generation
    cache.clear()
    assert cache.get("kept") is None
    assert cache.size == 0
    cache.put("late", known("late"), before, NOW)
    assert cache.get("late") is None


def test_one_session_is_forgotten_with_every_cookie_of_it_and_no_other() -> None:
    cache = filled("ada", "bob")
    cache.put("ada renewed", known("ada"), cache.generation, NOW)
    before = cache.generation
    cache.forget("session of ada")
    assert (cache.get("ada"), cache.get("ada renewed")) == (None, None)
    assert cache.get("bob") is not None
    assert cache.size == known("bob").size
    cache.put("ada late", known("ada"), before, NOW)
    assert cache.get("ada late") is None
    cache.forget("session of nobody")


def test_a_session_that_changed_is_removed_and_its_end_is_not_reported() -> None:
    cache = filled("ada", "bob")
    reported: list[str | bytes | None] = []
    cache.listeners += [reported.append, lambda end_key: reported.append("again")]
    before = cache.generation
    cache.drop("session of ada")
    assert (cache.get("ada"), len(cache), cache.size, reported) == (None, 1, 10, [])
    cache.put("ada late", known("ada"), before, NOW)
    assert cache.get("ada late") is None
    cache.forget("session of bob")
    assert (len(cache), reported) == (0, ["session of bob", "again"])
    cache.clear()
    assert reported == ["session of bob", "again", None, "again"]
    assert len({before, cache.generation}) == 2


def test_each_end_changes_the_generation() -> None:
    cache = filled()
    seen = [cache.generation]
    for end in (cache.clear, lambda: cache.forget("a"), lambda: cache.drop("a"), cache.clear):
        end()
        seen.append(cache.generation)
    assert len(set(seen)) == 5
    assert MUST_NOT_BE_KEPT not in seen


def test_a_cookie_that_made_room_is_not_looked_for_at_the_sign_out_of_its_session() -> None:
    cache = filled("first", "other", most_entries=3)
    cache.put("first renewed", known("first"), cache.generation, NOW)
    keep(cache, ["newcomer"], now=NOW + 1)  # in place of the oldest
    assert cache.get("first") is None
    cache.forget("session of first")
    assert cache.get("first renewed") is None
    assert None not in (cache.get("other"), cache.get("newcomer"))
    cache.forget("session of first")


def test_threads() -> None:
    cache = filled(most_entries=50)
    wrong: list[str] = []
    before = sys.getswitchinterval()

    def use(seed: int) -> None:
        for number in range(2_000):
            name = str((number * seed) % 200)
            keep(cache, [name], now=NOW + number % 2)
            found = cache.get(name)
            if found is not None and found.payload != name:
                wrong.append(name)
            if number % 50 == 0:
                cache.forget(f"session of {name}")

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (3, 7, 11, 13)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert len(cache) <= 50
    assert cache.size == 10 * len(cache)
    for number in range(200):
        cache.forget(f"session of {number}")
    assert (len(cache), cache.size, cache._cookies_of) == (0, 0, {})
