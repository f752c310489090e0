"""The store in Redis, held to the contract on every kind of real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from oidc_gate.store.base import Store
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.urls import open_store
from oidc_gate.testing.store_contract import StoreContract
from tests.real.ports import free_port
from tests.real.redis_server import redis_cluster, redis_server, sentinel_group
from tests.real.stores.certificates import certificates


class OnRedis(StoreContract):
    """Runs the contract on a server that is started once for all tests of the class."""

    url: ClassVar[str]

    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        """Start the server and give its URL."""
        raise NotImplementedError

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with cls.serving(tmp_path_factory.mktemp("redis")) as cls.url:
            yield

    def setup_method(self) -> None:
        self.namespace = uuid.uuid4().hex
        super().setup_method()

    def new_store(self) -> Store:
        store = open_store(self.url, namespace=self.namespace, lag_seconds=0.5, deadline_seconds=20)
        assert isinstance(store, RedisStore)
        return store


class TestRedis(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        with redis_server(directory=directory) as server:
            yield f"redis://127.0.0.1:{server.port}/3"


class TestValkey(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        with redis_server(directory=directory, binary="valkey-server") as server:
            yield f"redis://127.0.0.1:{server.port}"


class TestUnixSocketWithPassword(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        path = directory / "r.sock"
        with redis_server("--unixsocket", str(path), "--requirepass", "p@ss/word", directory=directory):
            yield f"unix://:p%40ss%2Fword@{path}?db=1"


class TestUserWithTheDocumentedPermissions(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        # As docs/stores.md says, but for the namespace, which each test has of its own.
        rights = "on >hunter2 ~* +@read +@write +@scripting +wait +ping +info"
        users = directory / "users.acl"
        users.write_text(f"user default off\nuser gate {rights}\n")
        with redis_server("--aclfile", str(users), directory=directory) as server:
            yield f"redis://gate:hunter2@127.0.0.1:{server.port}"


class TestTlsWithClientCertificate(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        made = certificates(directory)
        port = free_port()
        files = ("--tls-cert-file", str(made.server[0]), "--tls-key-file", str(made.server[1]))
        authority = ("--tls-ca-cert-file", str(made.ca), "--tls-auth-clients", "yes")
        with redis_server("--tls-port", str(port), *files, *authority, directory=directory):
            ours = f"certificate_file={made.client[0]}&key_file={made.client[1]}"
            yield f"rediss://127.0.0.1:{port}?ca_file={made.ca}&{ours}"


class TestSentinel(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        with sentinel_group(directory) as group:
            hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in group.sentinels)
            yield f"redis+sentinel://{hosts}/{group.service}"


class TestCluster(OnRedis):
    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[str]:
        with redis_cluster(directory) as servers:
            yield "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
