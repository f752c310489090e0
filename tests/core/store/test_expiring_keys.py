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


class Clocks:
    """Keys with a clock that does not step, at `monotonic`."""

    def __init__(self, limit: int = 100) -> None:
        self.monotonic = 0.0
        self.keys = MemoryKeys(limit, monotonic=lambda: self.monotonic)

    def add(self, key: str, until: int, now: int) -> bool:
        return self.keys.add_once(key, until, now)

    def found(self, *keys: str, now: int) -> str:
        """Return which of the keys are there."""
        return "".join(key for key in keys if self.keys.last_seen([key], now) is not None)


def test_which_kinds_there_may_be() -> None:
    expiring_keys = MemoryKeys()
    assert not expiring_keys.has(["code", ""])
    expiring_keys.add_once("code\0a", 1000, 100)
    expiring_keys.add_once("plain", 1000, 100)
    assert expiring_keys.has(["sid", "code"])
    assert expiring_keys.has([""])
    assert not expiring_keys.has(["sid", "plain"])
    assert not expiring_keys.has([])


def test_a_key_goes_in_the_second_in_which_both_clocks_have_passed() -> None:
    clocks = Clocks()
    clocks.add("a", 1000, 100)
    for monotonic, now, left in ((899.9, 1000, 2), (900.0, 999, 2), (900.9, 1000, 2), (901.0, 1000, 1)):
        clocks.monotonic = monotonic
        clocks.add("b", 9000, now)
        assert len(clocks.keys) == left
    other = Clocks()
    other.add("a", 1000, 100)
    other.monotonic = 900.0
    other.add("b", 9000, 1000)
    assert len(other.keys) == 1


def test_a_key_that_was_added_again_goes_at_its_later_end_alone() -> None:
    clocks = Clocks()
    clocks.add("a", 1000, 100)
    clocks.add("a", 2000, 100)
    clocks.add("c", 1000, 100)
    clocks.monotonic = 900.0
    clocks.add("b", 9000, 5000)  # the wall clock jumped far ahead
    assert clocks.found("a", "b", "c", now=200) == "ab", "one that is out of date hides no other"
    clocks.monotonic = 1900.0
    clocks.add("b", 9000, 2000)
    assert len(clocks.keys) == 1


def test_a_key_that_was_pushed_out_is_not_missed_later() -> None:
    clocks = Clocks(2)
    for key in "abc":
        clocks.add(key, 1000, 100)
    clocks.monotonic = 900.0
    clocks.add("d", 9000, 1000)
    assert clocks.found("a", "b", "c", "d", now=1000) == "d"
    assert len(clocks.keys) == 1


def test_what_is_over_by_the_wall_clock_goes_before_the_oldest() -> None:
    clocks = Clocks(2)
    clocks.add("a", 900, 0)
    clocks.add("b", 60, 0)
    clocks.add("c", 900, 60)
    assert clocks.found("a", "b", "c", now=10) == "ac"
    clocks.add("d", 900, 61)
    assert clocks.found("a", "c", "d", now=61) == "cd"


def test_a_key_that_was_prolonged_is_not_over_at_its_former_end() -> None:
    clocks = Clocks(2)
    clocks.add("a", 900, 0)
    clocks.add("b", 50, 0)
    clocks.add("b", 900, 0)
    clocks.add("c", 900, 60)
    assert clocks.found("a", "b", "c", now=60) == "bc", "the oldest went"
    clocks.add("d", 900, 61)
    assert clocks.found("b", "c", "d", now=61) == "cd"


def test_a_key_that_was_pushed_out_and_is_over_is_passed_over() -> None:
    clocks = Clocks(1)
    clocks.add("a", 50, 0)
    clocks.add("b", 900, 0)
    clocks.add("c", 900, 60)
    assert clocks.found("a", "b", "c", now=10) == "c"


def test_a_later_end_at_the_same_time_of_the_other_clock_counts() -> None:
    """The wall clock went on while the other stood still, as in a machine that slept."""
    clocks = Clocks(2)
    clocks.add("a", 900, 0)
    clocks.add("b", 100, 0)
    clocks.add("b", 150, 50)
    clocks.add("c", 900, 150)
    assert clocks.found("a", "b", "c", now=140) == "ac", "b was over"


def test_the_heaps_are_made_anew_when_they_are_twice_as_long_as_the_limit() -> None:
    clocks = Clocks(3)
    lengths = []
    for until in range(1000, 1009):
        clocks.add("a", until, 100)
        (bucket,) = clocks.keys._buckets.values()
        lengths.append((len(bucket._ends), len(bucket._goes)))
    assert lengths == [(number, number) for number in (1, 2, 3, 4, 5, 6, 1, 2, 3)]


def test_heaps_that_were_made_anew_are_in_order() -> None:
    clocks = Clocks(2)
    clocks.add("x", 900, 0)
    for until in (50, 51, 52, 53):
        clocks.add("y", until, 0)
    (bucket,) = clocks.keys._buckets.values()
    assert len(bucket._ends) == 2
    clocks.add("z", 900, 60)
    assert clocks.found("x", "y", "z", now=10) == "xz", "y was over"
    clocks = Clocks(2)
    clocks.add("x", 900, 0)
    for until in (50, 51, 52, 53):
        clocks.add("y", until, 0)
    clocks.monotonic = 60.0
    clocks.add("x", 900, 60)
    assert len(clocks.keys) == 1


def test_the_warning_comes_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clocks, counts = Clocks(1), []
    with caplog.at_level(logging.WARNING, "oidc_gate.marks"):
        for now in (100, 101, 160, 161, 220, 221):
            clocks.add(f"k{now}", 9000, now)
            counts.append(len(caplog.records))
    assert counts == [0, 1, 1, 2, 2, 3]
    assert {line.name for line in caplog.records} == {"oidc_gate.marks"}
    assert caplog.messages[0].startswith("more than 1 keys in memory: the oldest are removed")
