"""The store in memory."""

from __future__ import annotations

from oidc_gate.store.base import ExpiringKey, Store
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
