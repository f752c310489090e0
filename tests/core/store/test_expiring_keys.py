"""Marks in memory: who was first, what is over, and what goes when it is full."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from oidc_gate.store.expiring_keys import MemoryMarks


def test_the_first_one_wins() -> None:
    marks = MemoryMarks()
    assert marks.remember("a", 200, 100)
    assert not marks.remember("a", 200, 100)
    assert marks.remember("b", 200, 100)


def test_they_end() -> None:
    marks = MemoryMarks()
    marks.remember("a", 200, 100)
    assert marks.recall(["a"], 199) == 100
    assert marks.recall(["a"], 200) is None
    assert marks.remember("a", 300, 200), "over is as good as never"


def test_one_that_is_over_already() -> None:
    marks = MemoryMarks()
    assert marks.remember("a", 100, 100)
    assert marks.recall(["a"], 100) is None
    assert len(marks) == 0


def test_the_newest_of_several() -> None:
    marks = MemoryMarks()
    marks.remember("a", 1000, 100)
    marks.remember("b", 1000, 150)
    marks.remember("c", 160, 155)
    assert marks.recall(["a", "b", "c", "d"], 170) == 150
    assert marks.recall(["a"], 170) == 100
    assert marks.recall(["d"], 170) is None
    assert marks.recall([], 170) is None


def test_remembered_again() -> None:
    marks = MemoryMarks()
    marks.remember("a", 1000, 100)
    assert not marks.remember("a", 500, 200)
    assert marks.recall(["a"], 999) == 200, "the later time, kept until the later end"
    marks.remember("a", 2000, 300)
    assert marks.recall(["a"], 1999) == 300


def test_what_is_over_goes_first_then_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    marks = MemoryMarks(3)
    marks.remember("old", 1000, 100)
    marks.remember("short", 110, 101)
    marks.remember("again", 1000, 99)
    marks.remember("new", 1000, 120)
    assert [key for key in ("old", "short", "again", "new") if marks.recall([key], 121)] == [
        "old",
        "again",
        "new",
    ]
    assert caplog.records == []
    marks.remember("again", 1000, 122)
    with caplog.at_level(logging.WARNING):
        marks.remember("newest", 1000, 123)
        marks.remember("newest of all", 1000, 124)
    assert len(marks) == 3
    kept = [key for key in ("old", "again", "new", "newest", "newest of all") if marks.recall([key], 125)]
    assert kept == ["again", "newest", "newest of all"]
    assert len(caplog.records) == 1, "once a minute"


def test_the_memory_is_bounded() -> None:
    marks = MemoryMarks(100)
    for now in range(10_000):
        marks.remember(f"k{now % 150}", now + 1000, now)
    assert len(marks) <= 100
    assert [len(room._ends) <= 201 for room in marks._rooms.values()] == [True]


def test_one_kind_crowds_out_no_other() -> None:
    marks = MemoryMarks(10)
    marks.remember("code\0a", 10_000, 1)
    for now in range(2, 100):
        marks.remember(f"sid\0{now}", 10_000, now)
    assert marks.recall(["code\0a"], 100) == 1
    assert marks.recall(["sid\x002"], 100) is None
    assert len(marks) == 11


def test_threads() -> None:
    marks = MemoryMarks()
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: marks.remember(f"k{i % 100}", 1000, 1), range(800)))
    assert sum(won) == 100
