"""Calls to Redis: what is sent once more, what is not, and what a failure says."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import redis

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.redis import calls as redis_calls
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.calls import MIN_TRIP_SECONDS, Calls
from oidc_gate.store.redis.connect import connect
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.time_limit import limited_until

from .conftest import NOW, Make
from .fake_redis import FakeRedis, Refused, Words

KEY = b"k" * 32


def failing(times: int, error: Exception) -> Callable[[Words], None]:
    """Return what fails so many times, and then no more."""
    left = [error] * times

    def fail(words: Words) -> None:
        if left:
            raise left.pop()

    return fail


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_command_is_sent_once_more_over_a_new_connection(
    fake: FakeRedis, store: RedisStore, place: str
) -> None:
    assert store.open(KEY, NOW) is None
    setattr(fake, place, failing(1, ConnectionError()))
    assert store.open(KEY, NOW) is None
    assert fake.connections == 2
    assert len(fake.commands) == (2 if place == "before" else 3)


def test_a_command_is_not_sent_a_third_time(fake: FakeRedis, store: RedisStore) -> None:
    fake.before = failing(2, ConnectionError())
    with pytest.raises(StoreUnavailable) as caught:
        store.open(KEY, NOW)
    assert (caught.value.code, caught.value.status) == ("store_unavailable", 503)
    assert caught.value.detail.startswith(f"Redis at 127.0.0.1:{fake.port}, database 0: ConnectionError: ")
    assert fake.connections == 2
    assert store.open(KEY, NOW) is None


def test_the_master_may_have_changed(fake: FakeRedis, store: RedisStore) -> None:
    fake.before = failing(1, Refused("READONLY You can't write against a read only replica."))
    assert store.open(KEY, NOW) is None
    assert fake.connections == 2


@pytest.mark.parametrize(
    ("answer", "kind", "connections"),
    [
        ("LOADING Redis is loading the dataset in memory", "BusyLoadingError", 2),
        ("NOAUTH Authentication required.", "AuthenticationError", 2),
        ("WRONGPASS invalid username-password pair", "AuthenticationError", 2),
        ("NOPERM this user has no permissions", "NoPermissionError", 1),
        ("OOM command not allowed", "OutOfMemoryError", 1),
        ("WRONGTYPE Operation against a key", "ResponseError", 1),
    ],
)
def test_what_would_fail_again_is_not_sent_again(
    fake: FakeRedis, store: RedisStore, answer: str, kind: str, connections: int
) -> None:
    store.open(KEY, NOW)
    fake.commands.clear()
    fake.before = failing(1, Refused(answer))
    with pytest.raises(StoreUnavailable) as caught:
        store.open(KEY, NOW)
    assert f": {kind}: " in caught.value.detail
    assert fake.commands == []
    store.open(KEY, NOW)
    assert fake.connections == connections


def test_an_answer_that_does_not_come_is_not_asked_for_again(fake: FakeRedis, make: Make) -> None:
    store, answers = make(deadline_seconds=1), threading.Event()
    fake.after = lambda words: answers.wait(60)
    with pytest.raises(StoreUnavailable, match="TimeoutError"):
        store.open(KEY, NOW)
    assert len(fake.commands) == 1
    answers.set()


def test_connections_that_may_be_broken_too_are_closed(fake: FakeRedis, store: RedisStore) -> None:
    calls = store._calls
    threads = [threading.Thread(target=store.open, args=(KEY, NOW)) for _ in range(3)]
    barrier = threading.Barrier(3)
    fake.before = lambda words: barrier.wait(60)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.connections == 3
    fake.before = failing(1, ConnectionError())
    assert store.open(KEY, NOW) is None
    (pool,) = redis_calls._pools(calls.client())
    assert [bool(each._sock) for each in pool._available_connections].count(True) == 1
    assert fake.connections == 4


def test_one_command_of_several_that_fails(fake: FakeRedis, store: RedisStore) -> None:
    call = store._calls.begin()
    assert call.send_all([]) == []
    assert call.send_all([("EXISTS", "a")]) == [0]
    assert call.send_all([("EXISTS", "a"), ("GET", "b"), ("WAIT", 1, 100)]) == [0, None, 1]
    assert [words[0] for words in fake.commands] == [b"EXISTS", b"EXISTS", b"GET", b"WAIT"]
    assert call.send_all([("EXISTS", "a"), ("GET", "b")]) == [0, None]

    def refuse(words: Words) -> None:
        if words[0] == b"GET":
            raise Refused("OOM command not allowed")

    fake.before = refuse
    with pytest.raises(StoreUnavailable, match="OutOfMemoryError"):
        call.send_all([("EXISTS", "a"), ("GET", "b"), ("EXISTS", "c")])


def test_a_failure_names_the_server_and_no_password() -> None:
    address = Address("server", (("h", 6379),), password="hunter2", sentinel_password="hunter3")
    error = Calls(address, 2, 0.9).failed(ValueError("AUTH hunter2 and hunter3 " + "x" * 1000))
    assert error.detail == "Redis at h:6379, database 0: ValueError: AUTH ... and ... " + "x" * 283
    assert (error.code, error.status) == ("store_unavailable", 503)
    assert str(error.public_message) == "Sessions cannot be looked up at the moment."
    assert (
        Calls(Address("server", (("h", 1),)), 2, 0.9).failed(ValueError("a")).detail[-13:] == "ValueError: a"
    )


def test_a_round_trip_is_not_begun_that_would_hardly_end_in_time(fake: FakeRedis, make: Make) -> None:
    assert MIN_TRIP_SECONDS == 0.05
    server, cluster = (Address(kind, (("127.0.0.1", fake.port),)) for kind in ("server", "cluster"))
    assert Calls(server, 2, 0.9).min_trip_seconds == 0.05
    assert Calls(server, 2, 0.02).min_trip_seconds == 0.02
    assert Calls(cluster, 2, 0.9).min_trip_seconds == 0.9, "its connections cannot be given less time"
    call = Calls(server, 60, 27).begin()
    with (
        limited_until(time.monotonic() - 1),
        pytest.raises(StoreUnavailable, match="Redis answers too slowly"),
    ):
        Calls(server, 60, 27).begin().send("EXISTS", "a")
    assert call.send("EXISTS", "a") == 0
    call._deadline = time.monotonic() + 0.04
    with pytest.raises(StoreUnavailable, match="Redis answers too slowly"):
        call.send("EXISTS", "a")
    assert len(fake.commands) == 1


def test_each_process_has_its_own_client(
    fake: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = store._calls
    assert calls.client() is calls.client()
    first, pid = calls.client(), os.getpid()
    connection = first.connection_pool.get_connection()
    first.connection_pool.release(connection)
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    calls.forget_idle()
    assert connection._sock is not None, "those of the parent stay as they are"
    second = calls.client()
    assert second is not first
    monkeypatch.setattr(os, "getpid", lambda: pid)
    calls.close()
    assert calls._client is None
    calls.close()


def test_closing_leaves_a_connection_that_a_thread_waits_for(store: RedisStore) -> None:
    calls = store._calls
    client = calls.client()
    pool = client.connection_pool
    waiting, idle = pool.get_connection(), pool.get_connection()
    pool.release(idle)
    descriptor = waiting._sock.fileno()
    calls.close()
    assert idle._sock is None
    assert waiting._sock.fileno() == descriptor, "another file would get its descriptor"
    pool.release(waiting)
    del client
    gc.collect()
    assert waiting._sock is None


def test_two_threads_share_the_client_that_came_first(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, barrier = store._calls, threading.Barrier(2)

    def slow(address: Address, seconds: float) -> object:
        barrier.wait(60)
        return connect(address, seconds)

    monkeypatch.setattr(redis_calls, "connect", slow)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(calls.client())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1] is calls.client()


def test_each_node_of_a_cluster_that_was_used_has_connections() -> None:
    nodes = [
        SimpleNamespace(redis_connection=SimpleNamespace(connection_pool=name) if name else None)
        for name in ("first", None, "third")
    ]
    cluster = SimpleNamespace(get_nodes=lambda: nodes)
    assert list(redis_calls._pools(cluster)) == ["first", "third"]
    assert list(redis_calls._pools(SimpleNamespace(connection_pool="one"))) == ["one"]


def test_the_sentinels_are_asked_who_is_the_master(fake: FakeRedis, make: Make) -> None:
    store = make("sentinel", address={"service": "main"})
    store._calls.follow_master()
    assert [words for words in fake.handshakes if words[0] == b"SENTINEL"] == [[b"SENTINEL", b"MASTERS"]]
    make()._calls.follow_master()
    other = make("sentinel", address={"service": "another"})
    other._calls.follow_master()  # none of them knows it: the connections stay as they are
    with pytest.raises(StoreUnavailable, match="MasterNotFoundError: No master found for 'another'"):
        other.open(KEY, NOW)


@pytest.mark.parametrize(
    ("error", "breaks", "passes"),
    [
        (redis.ConnectionError(), True, True),
        (redis.TimeoutError(), True, False),
        (redis.ReadOnlyError(), True, True),
        (ConnectionResetError(), True, True),
        (redis.BusyLoadingError(), False, False),
        (redis.AuthenticationError(), True, False),
        (redis.exceptions.AuthorizationError(), True, False),
        (redis.ResponseError(), False, False),
        (redis.exceptions.ClusterDownError("down"), False, False),
    ],
)
def test_which_errors_break_connections_and_which_may_pass(
    error: Exception, breaks: bool, passes: bool
) -> None:
    assert redis_calls._breaks_connections(error) is breaks
    assert redis_calls._may_pass(error) is passes
