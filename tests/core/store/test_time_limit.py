"""The stores end a call earlier if the request that makes it has less time left."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.time_limit import limited_until

NOW = 1_700_000_000
LONG = 60.0


def test_sqlite(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sessions.db", deadline_seconds=LONG)
    assert store.end(EVERYTHING, NOW) == 0
    with closing(sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with limited_until(started + 0.2), pytest.raises(StoreUnavailable, match="holds its lock"):
            store.end(EVERYTHING, NOW)
        assert time.monotonic() - started < LONG / 2
    assert store.end(EVERYTHING, NOW) == 0
    store.close()


def test_redis_is_not_asked_if_its_answer_would_be_too_late() -> None:
    store = RedisStore(Address("server", (("127.0.0.1", 1),)), deadline_seconds=LONG)
    with limited_until(time.monotonic() + 1), pytest.raises(StoreUnavailable, match="too slowly"):
        store.count(EVERYTHING, NOW)
    store.close()
