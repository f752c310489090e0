"""The store in memory."""

from __future__ import annotations

from oidc_gate.store.base import EVERYTHING, GRACE_SECONDS, Added, ExpiringKey, Page, Row, Selector, Store
from oidc_gate.store.memory import MemoryStore
from oidc_gate.testing.store_contract import StoreContract

NOW = 1_000_000


class TestMemoryStore(StoreContract):
    def setup_method(self) -> None:
        self.shared = MemoryStore()
        super().setup_method()

    def new_store(self) -> Store:
        return self.shared


def test_the_number_of_keys_of_a_kind_is_bounded() -> None:
    store = MemoryStore(max_keys=10)
    first = ExpiringKey("code", b"first")
    store.add_once(first, NOW + 1000, NOW)
    for number in range(100):
        store.add_once(ExpiringKey("frame", b"%d" % number), NOW + 1000, NOW + number)
    assert store.when_added((first,), NOW + 200).at == NOW, "another kind displaced it"
    assert store.when_added((ExpiringKey("frame", b"89"),), NOW + 200).at is None
    assert store.when_added((ExpiringKey("frame", b"90"),), NOW + 200).at == NOW + 90


def test_rows_leave_by_themselves() -> None:
    store = MemoryStore()
    contract = StoreContract()
    contract.now = NOW
    index = bytes(32)
    for number in range(100):
        contract.now = NOW + number * 600
        store.put(contract.row(index, lasts=1200), 0, contract.now)
    assert len(store._rows) < 25
    assert len(store._by_index[index]) < 25


KEY, OTHER = b"k" * 32, b"o" * 32
ALICE, AT_PROVIDER = b"a" * 32, b"p" * 32
ROW = Row(KEY, 1, NOW + 3600, NOW + 600, NOW, (ALICE, AT_PROVIDER), b"label", b"body")


def test_the_pages_of_find() -> None:
    store = MemoryStore()
    rows = [ROW._replace(key=bytes([number]) * 32) for number in (0x81, 0x82, 0x83)]
    for row in reversed(rows):
        assert store.put(row, 0, NOW)
    bare = [row._replace(body=b"") for row in rows]
    for selector in (EVERYTHING, Selector(indexes=(ALICE,)), Selector(keys=tuple(row.key for row in rows))):
        assert store.find(selector, NOW, b"", 2) == Page((bare[0], bare[1]), rows[1].key)
        assert store.find(selector, NOW, rows[1].key, 2) == Page((bare[2],), b"")
        assert store.find(selector, NOW, b"", 3) == Page(tuple(bare), b"")
        assert store.find(selector, NOW + 599) == Page(tuple(bare), b"")
        assert store.find(selector, NOW + 600) == Page((), b"")
    assert store.find(Selector(keys=(OTHER,)), NOW) == Page((), b"")
    assert store.count(Selector(keys=(OTHER, rows[0].key)), NOW) == 1


def test_indexes_belong_to_the_row_that_is_there() -> None:
    store = MemoryStore()
    store.put(ROW, 0, NOW)
    store.put(ROW._replace(key=OTHER, indexes=(ALICE,)), 0, NOW)
    assert store._by_index == {ALICE: {KEY, OTHER}, AT_PROVIDER: {KEY}}
    store.put(ROW._replace(version=2, indexes=()), 1, NOW)
    assert store._by_index == {ALICE: {OTHER}}
    assert store.count(Selector(keys=(KEY,), indexes=(ALICE, AT_PROVIDER)), NOW) == 2
    assert store.end(Selector(keys=(KEY,), indexes=(ALICE,)), NOW + 600) == 0, "both are over"
    assert (store._by_index, store._rows) == ({}, {})


def test_a_row_leaves_after_a_time_of_grace_once_in_a_minute() -> None:
    store = MemoryStore()
    store.put(ROW, 0, NOW)
    end = ROW.leaves_at + GRACE_SECONDS
    for now, is_there in ((end - 1, True), (end, True), (end + 58, True), (end + 59, False)):
        store.put(ROW._replace(key=OTHER), 7, now)  # which is refused
        assert (KEY in store._rows) is is_there, "it was looked for at end - 1"
    store.put(ROW, 0, NOW)
    store.put(ROW._replace(key=OTHER), 7, end - 1)
    store.put(ROW._replace(key=OTHER), 7, NOW)  # the clock was set back
    assert KEY in store._rows


def test_keys_that_are_over_go_first_and_all_at_once() -> None:
    store = MemoryStore(max_keys=3)
    names = (b"first", b"brief", b"over", b"last", b"newest")
    for name, until in zip(names, (900, 50, 60, 900, 900), strict=True):
        store.add_once(ExpiringKey("kind", name), NOW + until, NOW + (60 if name in names[3:] else 0))
    assert list(store._kinds["kind"]) == [b"first", b"last", b"newest"]
    store.add_once(ExpiringKey("kind", b"one more"), NOW + 900, NOW + 61)
    assert list(store._kinds["kind"]) == [b"last", b"newest", b"one more"]


def test_when_a_key_was_added() -> None:
    store, key = MemoryStore(), ExpiringKey("kind", b"name")
    assert store.when_added((key,), NOW) == Added(None, NOW)
    assert store.add_once(key, NOW + 60, NOW + 10)
    assert not store.add_once(key, NOW + 50, NOW + 5)
    assert store.when_added((key,), NOW + 59) == Added(NOW + 10, NOW), (
        "of both, the later time, until the later end"
    )
    assert store.when_added((key,), NOW + 60) == Added(None, NOW)
    assert store.add_once(key, NOW + 60, NOW + 60), "over before it was added"
    assert store._kinds == {"kind": {}}
    other = MemoryStore()
    assert other.add_once(key, NOW + 60, NOW)
    assert other.when_added((), NOW + 9) == Added(None, NOW)


def test_a_lease_ends_to_the_second() -> None:
    now = 100.0
    store = MemoryStore(monotonic=lambda: now)
    lease = store.lease(b"refresh", 10)
    assert lease is not None
    assert (lease.name, len(lease.token)) == (b"refresh", 16)
    now = 109.9
    assert store.lease(b"refresh", 10) is None
    assert store.renew(lease, 10)
    now = 119.8
    assert store.lease(b"refresh", 10) is None
    now = 119.9
    assert not store.renew(lease, 10)
    other = store.lease(b"refresh", 10)
    assert other is not None
    store.release(lease)
    assert store.lease(b"refresh", 10) is None
    store.release(other)
    store.release(other)
    assert store._leases == {}
    assert not store.renew(other, 10)


def test_ends_are_reported_to_each_view_until_it_is_closed() -> None:
    store = MemoryStore()
    heard: list[tuple[int, tuple[bytes, ...] | None]] = []
    views = [store.view(lambda keys, number=number: heard.append((number, keys))) for number in range(2)]  # type: ignore[misc]
    assert all(view.is_current() and view.catch_up() for view in views)
    store.end(Selector(keys=(KEY,)), NOW)
    assert sorted(heard, key=str) == [(0, (KEY,)), (1, (KEY,))]
    views[0].close()
    heard.clear()
    store.add_once(ExpiringKey("kind", b"quiet"), NOW + 60, NOW)
    store.add_once(ExpiringKey("kind", b"loud"), NOW + 60, NOW, announce=True)
    store.end(EVERYTHING, NOW)
    assert heard == [(1, (b"loud",)), (1, None)]
    store.close()
    heard.clear()
    store.end(EVERYTHING, NOW)
    assert heard == []
    assert store.describe() == "the memory of this process"
    assert (store.check(NOW), store.blocks, store.lag_seconds) == ((), False, 0)
