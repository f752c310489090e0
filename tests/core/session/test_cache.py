"""The cookies recognised a moment ago: bounded, and without those whose session was ended."""

from __future__ import annotations

import sys
import threading

from oidc_gate.session.cache import Known, SessionCache


def known(name: str, size: int = 10) -> Known[str]:
    return Known(until=1, told=name, session_id=f"session of {name}", size=size)


def filled(*names: str) -> SessionCache[str]:
    cache: SessionCache[str] = SessionCache(100, 1 << 20)
    for name in names:
        cache.put(name, known(name), cache.generation)
    return cache


def test_what_came_first_goes_first_and_the_bound_holds() -> None:
    cache: SessionCache[str] = SessionCache(100, 1 << 20)
    for number in range(1_000):
        cache.put(str(number), known(str(number)), cache.generation)
        assert len(cache) <= 100
    assert len(cache) > 90
    assert cache.get("899") is None
    assert [cache.get(str(number)) is None for number in range(910, 1_000)] == [False] * 90


def test_a_bound_of_one() -> None:
    cache: SessionCache[str] = SessionCache(1, 1 << 20)
    for name in "ab":
        cache.put(name, known(name), cache.generation)
        assert cache.get(name) is not None
    assert len(cache) == 1


def test_as_many_as_there_is_room_for_all_stay() -> None:
    cache: SessionCache[str] = SessionCache(100, 1 << 20)
    for turn in range(3):
        for number in range(100):
            if cache.get(str(number)) is None:
                assert turn == 0
                cache.put(str(number), known(str(number)), cache.generation)


def test_the_bound_in_bytes_holds() -> None:
    cache: SessionCache[str] = SessionCache(10_000, 20_000)
    for number in range(1_000):
        cache.put(f"{number:04}", known("x", size=1_000), cache.generation)
        assert cache.size == 1_000 * len(cache) <= 20_000
    assert len(cache) >= 19
    cache.put("huge", known("x", size=30_000), cache.generation)
    assert cache.get("huge") is None
    assert len(cache) >= 19


def test_a_cookie_that_is_seen_anew_counts_once_and_is_the_youngest() -> None:
    cache: SessionCache[str] = SessionCache(3, 1 << 20)
    for name in "abcada":
        cache.put(name, known(name, size=100), cache.generation)
    assert cache.size == 100 * len(cache)
    assert cache.get("a") is not None
    assert cache.get("b") is None


def test_a_session_that_was_looked_at_before_a_revocation_is_not_kept_after_it() -> None:
    cache = filled("kept")
    before = cache.generation
    cache.clear()
    assert cache.get("kept") is None
    assert cache.size == 0
    cache.put("late", known("late"), before)
    assert cache.get("late") is None


def test_one_session_is_forgotten_with_every_cookie_of_it_and_no_other() -> None:
    cache = filled("ada", "bob")
    cache.put("ada renewed", known("ada"), cache.generation)
    before = cache.generation
    cache.forget("session of ada")
    assert (cache.get("ada"), cache.get("ada renewed")) == (None, None)
    assert cache.get("bob") is not None
    assert cache.size == known("bob").size
    cache.put("ada late", known("ada"), before)
    assert cache.get("ada late") is None


def test_threads() -> None:
    cache: SessionCache[str] = SessionCache(50, 1 << 20)
    wrong: list[str] = []
    before = sys.getswitchinterval()

    def use(seed: int) -> None:
        for number in range(2_000):
            name = str((number * seed) % 200)
            cache.put(name, known(name), cache.generation)
            found = cache.get(name)
            if found is not None and found.told != name:
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
