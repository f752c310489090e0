"""Tests of ends and lists: a session that was ended is gone for every handle, and every view is notified."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...store.base import EVERYTHING, Row, Selector
from .harness import Harness, Listener, new_key, wait_until


class EndTests(Harness):
    """Tests of ends and lists: a session that was ended is gone for every handle, and every view is notified."""

    def test_an_end_by_key(self) -> None:
        row, other = self.stored(), self.stored()
        assert self.store.end(Selector(keys=(row.key,)), self.now) == 1
        assert self.store.open(row.key, self.now) is None
        assert self.another().open(row.key, self.now) is None
        assert self.store.open(other.key, self.now) == other
        assert self.store.end(Selector(keys=(row.key,)), self.now) == 0

    def test_an_end_by_index(self) -> None:
        alice, at_provider, bob = new_key(), new_key(), new_key()
        first, second = self.stored(alice, at_provider), self.stored(alice)
        other = self.stored(bob)
        assert self.store.end(Selector(indexes=(at_provider,)), self.now) == 1
        assert self.store.open(first.key, self.now) is None
        assert self.store.open(second.key, self.now) == second
        assert self.another().end(Selector(indexes=(new_key(), alice)), self.now) == 1
        assert self.store.open(second.key, self.now) is None
        assert self.store.open(other.key, self.now) == other
        assert self.store.end(Selector(indexes=(alice,)), self.now) == 0

    def test_an_end_by_an_index_that_a_later_version_has(self) -> None:
        former, latter = new_key(), new_key()
        row = self.stored(former)
        assert self.store.put(row._replace(version=2, indexes=(latter,)), 1, self.now)
        assert self.store.end(Selector(indexes=(latter,)), self.now) == 1
        assert self.store.open(row.key, self.now) is None

    def test_an_end_of_many(self) -> None:
        alice = new_key()
        rows = [self.stored(alice) for _ in range(60)]
        assert self.store.end(Selector(indexes=(alice,)), self.now) == 60
        assert not any(self.store.open(row.key, self.now) for row in rows)

    def test_every_view_hears_of_an_end(self) -> None:
        alice = new_key()
        row, kept = self.stored(alice), self.stored()
        listeners = [Listener(self.store), Listener(self.another()), Listener(self.another())]
        assert all(listener.soon_admits(row.key) for listener in listeners)
        self.another().end(Selector(indexes=(alice,)), self.now)
        time.sleep(self.store.lag_seconds)
        assert not any(listener.would_admit(row.key) for listener in listeners)
        assert all(wait_until(lambda one=listener: row.key in one.ended) for listener in listeners)  # type: ignore[misc]
        assert all(listener.soon_admits(kept.key) for listener in listeners), "one end ended another session"

    def test_an_end_is_announced_although_the_row_is_gone(self) -> None:
        listener, key = Listener(self.another()), new_key()
        self.store.end(Selector(keys=(key,)), self.now)
        time.sleep(self.store.lag_seconds)
        assert not listener.would_admit(key)
        assert wait_until(lambda: key in listener.ended)

    def test_a_view_that_begins_late_is_current(self) -> None:
        row = self.stored()
        self.store.end(Selector(keys=(row.key,)), self.now)
        listener = Listener(self.another())
        assert listener.view.is_current() or listener.view.catch_up()

    def test_a_closed_view_hears_nothing(self) -> None:
        listener, other, key = Listener(self.store), Listener(self.store), new_key()
        listener.view.close()
        self.another().end(Selector(keys=(key,)), self.now)
        assert wait_until(lambda: not other.would_admit(key))
        assert key not in listener.ended

    def pages(self, selector: Selector, limit: int) -> Iterator[Row]:
        """Return every row that `find` returns, page by page."""
        after = b""
        for _ in range(10_000):
            page = self.store.find(selector, self.now, after, limit)
            yield from page.rows
            after = page.next
            if not after:
                return
        raise AssertionError("the pages have no end")

    def test_find_and_count(self) -> None:
        alice, bob = new_key(), new_key()
        rows = {row.key: row for row in (self.stored(alice) for _ in range(7))}
        other = self.stored(bob)
        by_alice = Selector(indexes=(alice,))
        found = {row.key: row for row in self.pages(by_alice, 2)}
        assert found == {key: row._replace(body=b"") for key, row in rows.items()}
        assert self.store.count(by_alice, self.now) == 7
        assert self.store.count(Selector(indexes=(alice, bob)), self.now) == 8
        assert {row.key for row in self.pages(Selector(keys=(other.key, new_key())), 10)} == {other.key}
        everything = {row.key for row in self.pages(EVERYTHING, 3)}
        assert everything > set(rows)
        assert self.store.count(EVERYTHING, self.now) == len(everything)
        self.store.end(Selector(keys=(next(iter(rows)),)), self.now)
        assert self.store.count(by_alice, self.now) == 6

    def test_what_is_over_is_not_counted(self) -> None:
        alice = new_key()
        row = self.stored(alice, lasts=10)
        self.now += 10
        assert self.store.count(Selector(indexes=(alice,)), self.now) == 0
        assert not list(self.pages(Selector(indexes=(alice,)), 10))
        assert row.key not in {each.key for each in self.pages(EVERYTHING, 100)}
