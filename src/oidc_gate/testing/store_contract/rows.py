"""Tests of rows: what is written can be read until it expires, and one of several writers wins."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from ...store.base import Selector
from .harness import HOUR, Harness, new_key


class RowTests(Harness):
    """Tests of rows: what is written can be read until it expires, and one of several writers wins."""

    def test_a_row_is_read_by_every_handle(self) -> None:
        row = self.row(new_key(), new_key(), body=os.urandom(300))
        assert self.store.open(row.key, self.now) is None
        assert self.store.put(row, 0, self.now)
        assert self.store.open(row.key, self.now) == row
        assert self.another().open(row.key, self.now) == row

    def test_a_large_row(self) -> None:
        row = self.row(body=os.urandom(400_000))
        assert self.store.put(row, 0, self.now)
        assert self.another().open(row.key, self.now) == row

    def test_any_bytes(self) -> None:
        row = self.row(bytes(32), b"\xff" * 32, body=bytes(range(256)))._replace(label=b"\r\n\0'\"")
        assert self.store.put(row, 0, self.now)
        assert self.store.open(row.key, self.now) == row
        empty = self.row(body=b"")._replace(label=b"")
        assert self.store.put(empty, 0, self.now)
        assert self.store.open(empty.key, self.now) == empty

    def test_a_row_is_over_at_its_end(self) -> None:
        row = self.stored(lasts=10)
        assert self.store.open(row.key, self.now + 9) == row
        assert self.store.open(row.key, self.now + 10) is None

    def test_a_row_is_over_when_it_was_idle(self) -> None:
        row = self.row(lasts=100)._replace(leaves_at=self.now + 10)
        assert self.store.put(row, 0, self.now)
        assert self.store.open(row.key, self.now + 9) == row
        assert self.store.open(row.key, self.now + 10) is None

    def test_a_clock_that_steps_forward_and_back_loses_no_row(self) -> None:
        row = self.stored(lasts=600)
        assert self.store.open(row.key, self.now + HOUR) is None
        self.store.put(self.row()._replace(expires_at=self.now + 9 * HOUR), 0, self.now + HOUR)
        assert self.store.open(row.key, self.now) == row

    def test_touch_moves_the_times_forward_alone(self) -> None:
        row = self.row(lasts=100)._replace(leaves_at=self.now + 10)
        assert self.store.put(row, 0, self.now)
        assert self.store.touch(row.key, self.now + 5, self.now + 15, self.now + 5)
        assert self.another().open(row.key, self.now + 12) == row._replace(
            last_seen=self.now + 5, leaves_at=self.now + 15
        )
        assert self.store.touch(row.key, self.now + 1, self.now + 11, self.now + 6)
        touched = self.store.open(row.key, self.now + 12)
        assert touched is not None, "an older touch moved the end back"
        assert touched.last_seen == self.now + 5

    def test_touch_revives_nothing(self) -> None:
        row = self.row(lasts=100)._replace(leaves_at=self.now + 10)
        assert self.store.put(row, 0, self.now)
        assert not self.store.touch(row.key, self.now + 20, self.now + 30, self.now + 20), "it was over"
        assert self.store.open(row.key, self.now + 20) is None
        assert not self.store.touch(new_key(), self.now, self.now + 10, self.now)
        ended = self.stored()
        self.store.end(Selector(keys=(ended.key,)), self.now)
        assert not self.store.touch(ended.key, self.now, self.now + 10, self.now)
        assert self.store.open(ended.key, self.now) is None

    def test_put_demands_the_version_that_is_there(self) -> None:
        row = self.stored(new_key())
        assert not self.store.put(row._replace(body=b"a second first one"), 0, self.now)
        second = row._replace(version=2, body=b"second", indexes=(new_key(),))
        assert self.another().put(second, 1, self.now)
        assert not self.store.put(row._replace(version=2, body=b"late"), 1, self.now)
        assert self.store.open(row.key, self.now) == second
        assert not self.store.put(row._replace(version=4), 3, self.now)

    def test_put_moves_no_time_back(self) -> None:
        row = self.row(lasts=100)._replace(leaves_at=self.now + 10)
        assert self.store.put(row, 0, self.now)
        assert self.store.touch(row.key, self.now + 5, self.now + 15, self.now + 5)
        assert self.store.put(row._replace(version=2), 1, self.now + 6)
        assert self.store.open(row.key, self.now + 12) == row._replace(
            version=2, last_seen=self.now + 5, leaves_at=self.now + 15
        )

    def test_put_revives_nothing(self) -> None:
        row = self.stored()
        self.another().end(Selector(keys=(row.key,)), self.now)
        assert not self.store.put(row._replace(version=2), 1, self.now)
        assert self.store.open(row.key, self.now) is None

    def test_one_of_many_writers_wins(self) -> None:
        row = self.stored()
        stores = [self.store, *(self.another() for _ in range(3))]

        def write(number: int) -> bool:
            return stores[number % 4].put(row._replace(version=2, body=b"%d" % number), 1, self.now)

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(write, range(16)))
        assert won.count(True) == 1
        found = self.store.open(row.key, self.now)
        assert found is not None
        assert found.body == b"%d" % won.index(True)
