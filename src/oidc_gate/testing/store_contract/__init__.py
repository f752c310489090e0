"""The contract of session stores, as tests that you can run on a store of your own.

Derive a class from `StoreContract`, implement `new_store`, and run pytest on it::

    from oidc_gate.testing.store_contract import StoreContract

    class TestMyStore(StoreContract):
        def new_store(self):
            return MyStore("127.0.0.1:7777")

See `docs/stores.md`.
"""

from __future__ import annotations

import threading
import time

from ...store.base import EVERYTHING, Selector
from .ends import EndTests
from .harness import Listener, new_key, wait_until
from .keys import KeyTests
from .rows import RowTests

__all__ = ["Listener", "StoreContract", "new_key", "wait_until"]


class StoreContract(RowTests, EndTests, KeyTests):
    """All tests of a store.

    A test starts with what earlier tests left in the store, and the last one ends every session in it. Use a separate
    store.
    """

    def test_it_is_as_it_should_be(self) -> None:
        assert self.store.check(self.now) == ()
        assert self.store.describe()
        assert self.store.lag_seconds >= 0

    def test_it_can_be_used_after_it_was_closed(self) -> None:
        other = self.another()
        row = self.stored()
        other.open(row.key, self.now)
        other.close()
        other.close()
        assert other.open(row.key, self.now) == row

    def test_many_threads(self) -> None:
        errors: list[Exception] = []
        alice = new_key()

        def work() -> None:
            try:
                for _ in range(10):
                    row = self.stored(alice)
                    assert self.store.touch(row.key, self.now + 1, row.leaves_at, self.now)
                    assert self.store.open(row.key, self.now)
                    assert self.store.put(row._replace(version=2), 1, self.now)
                    assert self.store.end(Selector(keys=(row.key,)), self.now) == 1
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors[0]
        assert self.store.count(Selector(indexes=(alice,)), self.now) == 0

    def test_the_end_of_everything(self) -> None:
        rows = [self.stored(new_key()) for _ in range(5)]
        listener = Listener(self.another())
        assert self.store.end(EVERYTHING, self.now) >= 5
        time.sleep(self.store.lag_seconds)
        assert not any(listener.would_admit(row.key) for row in rows)
        assert wait_until(lambda: listener.gaps > 0)
        assert not any(self.store.open(row.key, self.now) for row in rows)
        assert self.store.count(EVERYTHING, self.now) == 0
        assert self.stored()
