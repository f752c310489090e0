"""Tests of expiring keys and of leases."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from ...store.base import ExpiringKey
from .harness import Harness, Listener, new_key, wait_until


class KeyTests(Harness):
    """Tests of expiring keys and of leases."""

    def expiring(self, kind: str = "test") -> ExpiringKey:
        """Return a key that no other test uses."""
        return ExpiringKey(kind, new_key())

    def test_a_key_is_new_once(self) -> None:
        key = self.expiring()
        assert self.store.add_once(key, self.now + 100, self.now)
        assert not self.store.add_once(key, self.now + 100, self.now)
        assert not self.another().add_once(key, self.now + 100, self.now)
        assert self.store.add_once(self.expiring(), self.now + 100, self.now)
        assert self.store.add_once(ExpiringKey("another kind", key.name), self.now + 100, self.now)

    def test_one_of_many_adds_it(self) -> None:
        key = self.expiring()
        stores = [self.store, *(self.another() for _ in range(3))]
        with ThreadPoolExecutor(8) as pool:
            new = list(pool.map(lambda n: stores[n % 4].add_once(key, self.now + 100, self.now), range(16)))
        assert new.count(True) == 1

    def test_a_key_ends(self) -> None:
        key = self.expiring()
        assert self.store.add_once(key, self.now + 100, self.now)
        assert self.store.when_added((key,), self.now + 99).at == self.now
        assert self.store.when_added((key,), self.now + 100).at is None
        assert self.store.add_once(key, self.now + 300, self.now + 100), "an expired key counts as absent"
        over = self.expiring()
        assert self.store.add_once(over, self.now, self.now)
        assert self.store.when_added((over,), self.now).at is None

    def test_the_newest_of_several_keys(self) -> None:
        first, second, brief, never = (self.expiring(f"kind {number % 2}") for number in range(4))
        self.store.add_once(first, self.now + 1000, self.now)
        self.store.add_once(second, self.now + 1000, self.now + 50)
        self.store.add_once(brief, self.now + 60, self.now + 55)
        found = self.another().when_added((first, second, brief, never), self.now + 70)
        assert found.at == self.now + 50
        assert self.store.when_added((never,), self.now + 70).at is None
        assert self.store.when_added((), self.now + 70).at is None

    def test_a_key_that_is_added_again(self) -> None:
        key = self.expiring()
        self.store.add_once(key, self.now + 1000, self.now)
        assert not self.store.add_once(key, self.now + 500, self.now + 200)
        assert self.store.when_added((key,), self.now + 999).at == self.now + 200
        self.store.add_once(key, self.now + 2000, self.now + 300)
        assert self.store.when_added((key,), self.now + 1999).at == self.now + 300

    def test_a_key_can_be_announced(self) -> None:
        listener, quiet, loud = Listener(self.another()), self.expiring(), self.expiring()
        self.store.add_once(quiet, self.now + 100, self.now)
        self.store.add_once(loud, self.now + 100, self.now, announce=True)
        time.sleep(self.store.lag_seconds)
        assert not listener.would_admit(loud.name)
        assert wait_until(lambda: loud.name in listener.ended)
        assert listener.soon_admits(quiet.name)

    def test_what_is_known_begins_once(self) -> None:
        born_at = self.store.when_added((), self.now).born_at
        assert 0 < born_at <= self.now
        assert self.another().when_added((self.expiring(),), self.now + 100).born_at == born_at

    def test_a_lease_has_one_holder(self) -> None:
        name, other = new_key(), self.another()
        lease = self.store.lease(name, 30)
        assert lease is not None
        assert other.lease(name, 30) is None
        assert other.lease(new_key(), 30) is not None
        assert self.store.renew(lease, 30)
        assert not other.renew(lease._replace(token=b"x" * 16), 30)
        other.release(lease._replace(token=b"x" * 16))
        assert other.lease(name, 30) is None
        self.store.release(lease)
        assert other.lease(name, 30) is not None
        assert not self.store.renew(lease, 30)

    def test_a_lease_ends_by_itself(self) -> None:
        name, other = new_key(), self.another()
        lease = self.store.lease(name, 0.2)
        assert lease is not None
        assert wait_until(lambda: other.lease(name, 30) is not None)
        assert not self.store.renew(lease, 30), "another holder has the lease"
        self.store.release(lease)
        assert self.store.lease(name, 30) is None

    def test_a_lease_that_is_renewed_lasts(self) -> None:
        name, other = new_key(), self.another()
        lease = self.store.lease(name, 0.5)
        assert lease is not None
        assert self.store.renew(lease, 30)
        time.sleep(0.6)
        assert other.lease(name, 30) is None

    def test_a_holder_that_lost_its_lease_writes_over_nothing(self) -> None:
        row = self.stored()
        lost = self.store.lease(row.key, 0.05)
        other = self.another()
        assert lost is not None
        assert wait_until(lambda: other.lease(row.key, 30) is not None)
        assert other.put(row._replace(version=2, body=b"of the next holder"), 1, self.now)
        assert not self.store.put(row._replace(version=2, body=b"late"), 1, self.now)

    def test_one_of_many_takes_a_lease(self) -> None:
        name = new_key()
        stores = [self.store, *(self.another() for _ in range(3))]
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda number: stores[number % 4].lease(name, 30), range(16)))
        assert sum(lease is not None for lease in taken) == 1
