"""A small Redis for each test, and stores on it that are closed in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore

from .fake_redis import FakeRedis

NOW = 1_800_000_000
Make = Callable[..., RedisStore]


@pytest.fixture
def fake() -> Iterator[FakeRedis]:
    server = FakeRedis()
    yield server
    server.close()


@pytest.fixture
def make(fake: FakeRedis) -> Iterator[Make]:
    made: list[RedisStore] = []

    def new(kind: str = "server", /, *, address: dict[str, Any] | None = None, **options: Any) -> RedisStore:
        where = Address(kind, (("127.0.0.1", fake.port),), **(address or {}))
        usual: dict[str, Any] = {"clock": lambda: NOW, "deadline_seconds": 60}
        made.append(RedisStore(where, **(usual | options)))
        return made[-1]

    yield new
    for store in made:
        store.close()


@pytest.fixture
def store(make: Make) -> RedisStore:
    return make()
