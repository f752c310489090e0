"""Stores for sites: the same sessions in memory and in SQLite, stores that fail, and a second worker."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from oidc_gate.store.base import Store, unavailable
from oidc_gate.store.memory import MemoryStore
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.sqlite.files import OWNER_ONLY, STAMP_BYTES

KINDS = ("memory", "sqlite")


class Watched:
    """A store that counts its calls, and can be taken down.

    Attributes:
        calls: how often each method was called.
        is_down: whether every call fails.
        failing: methods that fail.
        blocks: as those of a store over a network, so that calls have a lane.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.blocks, self.lag_seconds = True, store.lag_seconds
        self.calls: Counter[str] = Counter()
        self.is_down, self.failing = False, set[str]()
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)

        def call(*args: Any, **keywords: Any) -> Any:
            self.calls[name] += 1
            if name not in ("view", "describe") and (self.is_down or name in self.failing):
                raise self.error or unavailable("taken down by the test")
            return method(*args, **keywords)

        return call


def put_stamp(path: Path) -> None:
    """Put a stamp beside the SQLite store at `path`, which has none yet.

    One that a store has to make itself takes a second, because others may still map one that was removed.
    """
    stamp = path.with_name(f"{path.name}-stamp")
    stamp.parent.mkdir(mode=0o700, exist_ok=True)
    stamp.write_bytes(os.urandom(STAMP_BYTES))
    stamp.chmod(OWNER_ONLY)


def sqlite_url(folder: Path) -> str:
    """Return the URL of an SQLite store in a folder, which is ready at once."""
    path = folder / "sessions.db"
    put_stamp(path)
    return f"sqlite://{path}"


class Place:
    """Where the sessions of one test are, for every worker of it."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.path = directory / "sessions.db"
        self.url = f"sqlite://{self.path}"
        self._memory = MemoryStore()
        put_stamp(self.path)

    def open(self) -> Watched:
        """Return a handle on the store, as each process has one of its own."""
        return Watched(self._memory if self.kind == "memory" else SqliteStore(self.path))
