"""The example of a store of one's own, held to the contract."""

from __future__ import annotations

import pytest

from examples.own_store.store import Table, TableStore
from oidc_gate.store.base import Store
from oidc_gate.testing.store_contract import StoreContract


@pytest.mark.slow
class TestTableStore(StoreContract):
    def setup_method(self) -> None:
        self.table = Table()
        super().setup_method()

    def new_store(self) -> Store:
        return TableStore(self.table, lag_seconds=0.4)

    def test_old_rows_leave(self) -> None:
        store = TableStore(self.table)
        row = self.stored()
        store.sweep(self.now + 12 * 3600)
        assert not self.table.names(f"row/{row.key.hex()}")
