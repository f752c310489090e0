"""The cookies recognised a moment ago: bounded, and empty after a revocation."""

from __future__ import annotations

import threading
from typing import Any

from oidc_gate.session.cache import Known, SessionCache


def known(name: str, size: int = 10) -> Known[str]:
    return Known(until=1, told=name, size=size)


def test_what_is_in_use_stays_and_the_bound_holds() -> None:
    cache: SessionCache[str] = SessionCache(100, 1 << 20)
    for number in range(1_000):
        cache.put(str(number), known(str(number)), cache.generation)
        cache.put("used", known("used"), cache.generation) if number == 0 else cache.get("used")
    assert len(cache) <= 101
    assert cache.get("used") is not None
    assert cache.get("999") is not None
    assert cache.get("500") is None


def test_the_bound_in_bytes_holds() -> None:
    cache: SessionCache[str] = SessionCache(10_000, 20_000)
    for number in range(1_000):
        cache.put(f"{number:04}", known("x", size=996), cache.generation)
    assert len(cache) <= 20
    cache.put("huge", known("x", size=30_000), cache.generation)
    assert cache.get("huge") is None


def test_a_session_that_was_looked_at_before_a_revocation_is_not_kept_after_it() -> None:
    cache: SessionCache[str] = SessionCache(100, 1 << 20)
    before = cache.generation
    cache.put("kept", known("kept"), before)
    cache.clear()
    assert cache.get("kept") is None
    cache.put("late", known("late"), before)
    assert cache.get("late") is None


def test_a_look_up_does_not_undo_the_revocation_that_overtakes_it() -> None:
    cache: SessionCache[str] = SessionCache(2, 1 << 20)
    cache.put("ada", known("ada"), cache.generation)
    cache.put("bob", known("bob"), cache.generation)  # and so ada is among the old

    class Old(dict[str, Known[str]]):
        def get(self, *asked: Any) -> Any:
            found = super().get(*asked)
            cache.clear()
            return found

    cache._old = Old(cache._old)
    assert cache.get("ada") is not None
    assert cache.get("ada") is None


def test_threads() -> None:
    cache: SessionCache[str] = SessionCache(50, 1 << 20)
    wrong: list[str] = []

    def use(seed: int) -> None:
        for number in range(2_000):
            name = str((number * seed) % 200)
            cache.put(name, known(name), cache.generation)
            found = cache.get(name)
            if found is not None and found.told != name:
                wrong.append(name)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (3, 7, 11, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(cache) <= 51
