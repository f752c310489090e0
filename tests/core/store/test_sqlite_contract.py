"""The store in an SQLite file, held to the contract."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from oidc_gate.store.base import Store
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.testing.store_contract import StoreContract


class TestSqliteStore(StoreContract):
    def setup_method(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        super().setup_method()

    def teardown_method(self) -> None:
        super().teardown_method()
        shutil.rmtree(self.directory)

    def new_store(self) -> Store:
        return SqliteStore(self.directory / "sessions.db", tick_seconds=0.05)
