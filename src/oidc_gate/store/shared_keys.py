"""The expiring keys of the core, in a session store that all processes share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .base import ExpiringKey, Store


class SharedKeys:
    """Expiring keys (`oidc_gate.effects.ExpiringKeys`) in `store`, which only sees their hashes.

    They are codes, flows and logout tokens that were used. These are random values, whose hashes reveal nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.blocks = store.blocks

    def has(self, kinds: Sequence[str]) -> bool:
        """Return True: other processes may have added some."""
        return True

    def add_once(self, key: str, until: int, now: int) -> bool:
        """Store `key` until the epoch second `until`, and return whether it was new."""
        return self._store.add_once(_hashed(key), until, now)

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        """Return the epoch second when the newest of `keys` was last stored, or None if there is none."""
        return self._store.when_added(tuple(map(_hashed, keys)), now).at


def _hashed(key: str) -> ExpiringKey:
    kind, nul, name = key.partition("\0")
    if not nul:
        kind, name = "other", key
    return ExpiringKey(kind, hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest())
