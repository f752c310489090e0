"""Marks in memory: who was first, what is over, and what goes when it is full."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from oidc_gate.store.expiring_keys import MemoryKeys


def test_the_first_one_wins() -> None:
    expiring_keys = MemoryKeys()
    assert expiring_keys.add_once("a", 200, 100)
    assert not expiring_keys.add_once("a", 200, 100)
    assert expiring_keys.add_once("b", 200, 100)


def test_they_end() -> None:
    expiring_keys = MemoryKeys()
    expiring_keys.add_once("a", 200, 100)
    assert expiring_keys.last_seen(["a"], 199) == 100
    assert expiring_keys.last_seen(["a"], 200) is None
    assert expiring_keys.add_once("a", 300, 200), "over is as good as never"


def test_one_that_is_over_already() -> None:
    expiring_keys = MemoryKeys()
    assert expiring_keys.add_once("a", 100, 100)
    assert expiring_keys.last_seen(["a"], 100) is None
    assert len(expiring_keys) == 0


def test_the_newest_of_several() -> None:
    expiring_keys = MemoryKeys()
    expiring_keys.add_once("a", 1000, 100)
    expiring_keys.add_once("b", 1000, 150)
    expiring_keys.add_once("c", 160, 155)
    assert expiring_keys.last_seen(["a", "b", "c", "d"], 170) == 150
    assert expiring_keys.last_seen(["a"], 170) == 100
    assert expiring_keys.last_seen(["d"], 170) is None
    assert expiring_keys.last_seen([], 170) is None


@pytest.mark.parametrize("newest", ["code\0a", "sid\0a", "sub\0a"])
def test_the_newest_of_several_kinds(newest: str) -> None:
    expiring_keys = MemoryKeys()
    keys = ["code\0a", "sid\0a", "sub\0a"]
    for key in keys:
        expiring_keys.add_once(key, 1000, 200 if key == newest else 100)
    assert expiring_keys.last_seen(keys, 300) == 200
    assert expiring_keys.last_seen(keys[::-1], 300) == 200
    assert expiring_keys.last_seen(["none\0a", newest], 300) == 200


def test_remembered_again() -> None:
    expiring_keys = MemoryKeys()
    expiring_keys.add_once("a", 1000, 100)
    assert not expiring_keys.add_once("a", 500, 200)
    assert expiring_keys.last_seen(["a"], 999) == 200, "the later time, kept until the later end"
    expiring_keys.add_once("a", 2000, 300)
    assert expiring_keys.last_seen(["a"], 1999) == 300


def test_what_is_over_goes_first_then_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    expiring_keys = MemoryKeys(3)
    expiring_keys.add_once("old", 1000, 100)
    expiring_keys.add_once("short", 110, 101)
    expiring_keys.add_once("again", 1000, 99)
    expiring_keys.add_once("new", 1000, 120)
    assert [key for key in ("old", "short", "again", "new") if expiring_keys.last_seen([key], 121)] == [
        "old",
        "again",
        "new",
    ]
    assert len(expiring_keys) == 3
    assert caplog.records == []
    expiring_keys.add_once("again", 1000, 122)
    with caplog.at_level(logging.WARNING):
        expiring_keys.add_once("newest", 1000, 123)
        expiring_keys.add_once("newest of all", 1000, 124)
    assert len(expiring_keys) == 3
    kept = [
        key
        for key in ("old", "again", "new", "newest", "newest of all")
        if expiring_keys.last_seen([key], 125)
    ]
    assert kept == ["again", "newest", "newest of all"]
    assert len(caplog.records) == 1, "once a minute"


def test_the_memory_is_bounded() -> None:
    expiring_keys = MemoryKeys(100)
    for now in range(10_000):
        expiring_keys.add_once(f"k{now % 150}", now + 1000, now)
    assert len(expiring_keys) <= 100
    assert [len(bucket._ends) <= 201 for bucket in expiring_keys._buckets.values()] == [True]


def test_one_kind_crowds_out_no_other() -> None:
    expiring_keys = MemoryKeys(10)
    expiring_keys.add_once("code\0a", 10_000, 1)
    for now in range(2, 100):
        expiring_keys.add_once(f"sid\0{now}", 10_000, now)
    assert expiring_keys.last_seen(["code\0a"], 100) == 1
    assert expiring_keys.last_seen(["sid\x002"], 100) is None
    assert len(expiring_keys) == 11


def test_threads() -> None:
    expiring_keys = MemoryKeys()
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: expiring_keys.add_once(f"k{i % 100}", 1000, 1), range(800)))
    assert sum(won) == 100


def test_a_clock_that_jumps_far_ahead_and_back_removes_nothing() -> None:
    expiring_keys = MemoryKeys()
    expiring_keys.add_once("revoked", 1000, 100)
    expiring_keys.add_once("another", 10**9 + 100, 10**9)
    assert expiring_keys.last_seen(["revoked"], 10**9) is None
    assert expiring_keys.last_seen(["revoked"], 200) == 100
    assert not expiring_keys.add_once("revoked", 1000, 200)


def test_what_has_passed_by_both_clocks_goes() -> None:
    monotonic = 0.0
    expiring_keys = MemoryKeys(monotonic=lambda: monotonic)
    expiring_keys.add_once("a", 1000, 100)
    monotonic = 899.0
    expiring_keys.add_once("b", 9000, 1000)
    assert len(expiring_keys) == 2
    monotonic = 900.0
    expiring_keys.add_once("b", 9000, 999)  # by the wall clock, which was set back a second
    assert len(expiring_keys) == 2
    assert expiring_keys.last_seen(["a"], 999) == 100
    monotonic = 901.0
    expiring_keys.add_once("b", 9000, 1000)
    assert len(expiring_keys) == 1


def test_the_heaps_of_a_clock_that_stands_still_are_bounded() -> None:
    expiring_keys = MemoryKeys(10)
    for until in range(1000, 2000):
        expiring_keys.add_once("a", until, 100)
    assert [len(bucket._goes) <= 21 for bucket in expiring_keys._buckets.values()] == [True]
