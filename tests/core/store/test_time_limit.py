"""The stores end a call earlier if the request that makes it has less time left."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.connect import connect
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.time_limit import limited_until

NOW = 1_700_000_000
LONG = 60.0


@pytest.mark.slow
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


class SlowRedis:
    """A Redis without data that answers each command after a while."""

    def __init__(self) -> None:
        self.seconds, self.connections, self.commands = 0.0, 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, suppress(OSError):
            while line := lines.readline():
                words = []
                for _ in range(int(line[1:])):
                    words.append(lines.read(int(lines.readline()[1:]) + 2).strip())
                if words[0] == b"HMGET":
                    self.commands += 1
                    time.sleep(self.seconds)
                client.sendall(b"*7\r\n" + b"$-1\r\n" * 7 if words[0] == b"HMGET" else b"+OK\r\n")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def slow() -> Iterator[SlowRedis]:
    server = SlowRedis()
    yield server
    server.close()


@pytest.fixture
def store(slow: SlowRedis) -> Iterator[RedisStore]:
    """A store that waits for an answer for 27 seconds, if nothing limits it."""
    made = RedisStore(Address("server", (("127.0.0.1", slow.port),)), deadline_seconds=LONG)
    yield made
    made.close()


KEY = b"k" * 32


def test_redis_is_not_asked_if_its_answer_would_be_too_late(slow: SlowRedis, store: RedisStore) -> None:
    with limited_until(time.monotonic() + 0.01), pytest.raises(StoreUnavailable, match="too slowly"):
        store.open(KEY, NOW)
    assert slow.connections == 0


def test_redis_is_asked_as_long_as_its_answer_can_come_in_time(slow: SlowRedis, store: RedisStore) -> None:
    """Before, a call was refused if less time was left than the slowest answer may take: here 27 seconds."""
    slow.seconds = 0.1
    with limited_until(time.monotonic() + LONG / 4):
        for _ in range(3):
            assert store.open(KEY, NOW) is None
    assert slow.commands == 3


def test_redis_is_given_up_when_the_limit_has_come(slow: SlowRedis, store: RedisStore) -> None:
    assert store.open(KEY, NOW) is None
    slow.seconds = LONG / 4
    started = time.monotonic()
    with limited_until(started + 0.2), pytest.raises(StoreUnavailable):
        store.open(KEY, NOW)
    assert time.monotonic() - started < LONG / 8
    slow.seconds = 0.4
    assert store.open(KEY, NOW) is None, "without the limit, an answer has all its time again"


def test_a_connection_has_all_its_time_again_after_a_call_that_had_less(slow: SlowRedis) -> None:
    client = connect(Address("server", (("127.0.0.1", slow.port),)), LONG)
    connection = client.connection_pool.get_connection()
    with limited_until(time.monotonic() + 1):
        connection.send_command("PING")
        connection.read_response()
    assert connection._sock.gettimeout() == connection.socket_connect_timeout == LONG
    client.close()


@pytest.mark.slow
def test_an_answer_that_had_less_time_closes_no_other_connection(slow: SlowRedis, store: RedisStore) -> None:
    slow.seconds = 0.5
    open_at_once(store, 2)
    assert slow.connections == 2
    with limited_until(time.monotonic() + 0.1), pytest.raises(StoreUnavailable):
        store.open(KEY, NOW)
    open_at_once(store, 2)
    assert slow.connections == 3, "only the one that waits for a late answer is replaced"


def open_at_once(store: RedisStore, number: int) -> None:
    threads = [threading.Thread(target=store.open, args=(KEY, NOW)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_connection_is_opened_within_the_limit(store: RedisStore, slow: SlowRedis) -> None:
    """The queue of this listener is full, so that it accepts no connection."""
    with (
        closing(socket.socket()) as deaf,
        closing(socket.socket()) as first,
        closing(socket.socket()) as second,
    ):
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        first.connect(deaf.getsockname())
        second.setblocking(False)
        second.connect_ex(deaf.getsockname())
        other = RedisStore(Address("server", (deaf.getsockname(),)), deadline_seconds=LONG)
        started = time.monotonic()
        with limited_until(started + 0.2), pytest.raises(StoreUnavailable):
            other.open(KEY, NOW)
        assert time.monotonic() - started < LONG / 8
        other.close()
