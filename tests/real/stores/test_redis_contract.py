"""The store in Redis, held to the contract on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from oidc_gate.store.base import Store
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.testing.store_contract import StoreContract
from tests.real.redis_server import redis_server


class TestRedisStore(StoreContract):
    address: Address

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with redis_server(directory=tmp_path_factory.mktemp("redis")) as server:
            cls.address = Address("server", (("127.0.0.1", server.port),))
            yield

    def setup_method(self) -> None:
        self.namespace = uuid.uuid4().hex
        super().setup_method()

    def new_store(self) -> Store:
        return RedisStore(self.address, namespace=self.namespace)
