"""The expiring keys of the core in a store: used once by all processes, and only their hashes are seen."""

from __future__ import annotations

import hashlib

from oidc_gate.store.base import ExpiringKey
from oidc_gate.store.memory import MemoryStore
from oidc_gate.store.shared_keys import SharedKeys

NOW = 1_800_000_000


class Watched(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[ExpiringKey] = []

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        self.seen.append(key)
        return super().add_once(key, until, now, announce=announce)


def test_a_key_is_new_once_for_all_that_share_the_store() -> None:
    store = MemoryStore()
    one, two = SharedKeys(store), SharedKeys(store)
    assert one.add_once("code\0abc", NOW + 60, NOW)
    assert not two.add_once("code\0abc", NOW + 60, NOW + 5)
    assert two.add_once("jti\0abc", NOW + 60, NOW)
    assert one.last_seen(["code\0abc", "code\0other"], NOW + 6) == NOW + 5
    assert one.last_seen(["code\0other"], NOW) is None
    assert one.last_seen(["code\0abc"], NOW + 60) is None
    assert one.has(["anything"])


def test_the_store_sees_the_kind_and_a_hash() -> None:
    store = Watched()
    keys = SharedKeys(store)
    for key in ("code\0hunter2", "hunter2", "a\0hunter2\0\ud800"):
        assert keys.add_once(key, NOW + 60, NOW)
    assert [key.kind for key in store.seen] == ["code", "other", "a"]
    names = [b"hunter2", b"hunter2", b"hunter2\0\xed\xa0\x80"]  # a lone surrogate as UTF-8 would write it
    assert [key.name for key in store.seen] == [hashlib.sha256(name).digest() for name in names]


def test_it_blocks_if_its_store_does() -> None:
    store = MemoryStore()
    for blocks in (True, False):
        store.blocks = blocks
        assert SharedKeys(store).blocks is blocks
