"""The store in Redis under a Sentinel group and in a cluster, while masters go and slots move."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING, ExpiringKey, Row, Selector
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.testing.store_contract import Listener, new_key, wait_until
from tests.real.process import Server
from tests.real.redis_server import (
    SentinelGroup,
    client_of,
    redis_cluster,
    sentinel_group,
    wait_for,
    wait_for_replicas,
)

pytestmark = pytest.mark.slow

NOW = int(time.time())
LAG = 0.5


def stored(store: RedisStore, *indexes: bytes) -> Row:
    one = Row(new_key(), 1, NOW + 3600, NOW + 3600, NOW, indexes, b"label", b"sealed")
    assert store.put(one, 0, NOW)
    return one


def end(store: RedisStore, one: Row) -> int:
    return store.end(Selector(keys=(one.key,)), NOW)


def recovers(call: Callable[[], object]) -> None:
    for _ in wait_for("the store"):
        with suppress(StoreUnavailable):
            call()
            return


@contextmanager
def stopped(*servers: Server) -> Iterator[None]:
    for server in servers:
        os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for server in servers:
            os.kill(server.process.pid, signal.SIGCONT)


def kill(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


# --- Sentinels ----------------------------------------------------------------------------------------


@pytest.fixture
def group(tmp_path: Path) -> Iterator[SentinelGroup]:
    with sentinel_group(tmp_path) as group:
        yield group


@pytest.fixture
def make(group: SentinelGroup) -> Iterator[Callable[[], RedisStore]]:
    made: list[RedisStore] = []
    hosts = tuple(("127.0.0.1", sentinel.port) for sentinel in group.sentinels)

    def store() -> RedisStore:
        made.append(
            RedisStore(Address("sentinel", hosts, service=group.service), lag_seconds=LAG, replicas=1)
        )
        return made[-1]

    yield store
    for each in made:
        each.close()


def replicated(group: SentinelGroup) -> None:
    """Wait until the replicas have all that was written."""
    wait_for_replicas(group.master().port, 2)
    with client_of(group.master().port) as client:
        client.set("marker", time.monotonic())
        assert client.wait(2, 20_000) == 2


def test_the_master_is_killed(group: SentinelGroup, make: Callable[[], RedisStore]) -> None:
    store, other = make(), make()
    one, ended, listener = stored(store), stored(store), Listener(store)
    assert end(other, ended) == 1
    replicated(group)
    kill(group.master())
    recovers(lambda: other.put(one._replace(version=2), 1, NOW))
    assert store.open(one.key, NOW) == one._replace(version=2), "no session is lost"
    assert store.open(ended.key, NOW) is None, "no end is lost"
    assert wait_until(lambda: listener.view.is_current())
    late = stored(other)
    assert end(other, late) == 1
    assert wait_until(lambda: late.key in listener.ended)
    assert listener.gaps == 0, "the log of ends is whole"


def test_a_master_that_was_paused_comes_back(group: SentinelGroup, make: Callable[[], RedisStore]) -> None:
    """For some seconds it thinks that it is the master still, and shows what it knew."""
    store, other = make(), make()
    one, kept, listener = stored(store), stored(store), Listener(store)
    Listener(other)
    replicated(group)
    former = group.master()
    with stopped(former):
        for _ in wait_for("a new master"):
            if group.master() is not former:
                break
        recovers(lambda: other.open(kept.key, NOW))
        recovers(lambda: end(other, one))
        time.sleep(LAG)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert not listener.would_admit(one.key)
        with suppress(StoreUnavailable):
            assert store.open(one.key, NOW) is None
        with suppress(StoreUnavailable):
            assert other.open(one.key, NOW) is None
    recovers(lambda: store.open(kept.key, NOW))
    assert store.open(kept.key, NOW) == kept


def test_a_master_that_is_cut_off_from_its_sentinels_is_left(
    group: SentinelGroup, make: Callable[[], RedisStore]
) -> None:
    """It answers, it thinks that it is the master, and it knows nothing of the ends that the new master is told."""
    store = make()
    one, kept, listener = stored(store), stored(store), Listener(store)
    replicated(group)
    former, chosen = group.servers[:2]
    assert group.master() is former
    with client_of(chosen.port) as client:
        client.replicaof("NO", "ONE")
        assert client.delete(f"oidc_gate:row:{one.key.hex()}") == 1  # as if another gate had ended it there
    for sentinel in group.sentinels:
        with client_of(sentinel.port) as client:
            client.execute_command("SENTINEL", "REMOVE", group.service)
            client.execute_command("SENTINEL", "MONITOR", group.service, "127.0.0.1", chosen.port, 2)
    assert wait_until(lambda: store.open(one.key, NOW) is None)
    assert store.open(kept.key, NOW) == kept
    with client_of(former.port) as client:
        assert client.exists(f"oidc_gate:row:{one.key.hex()}"), "the former still shows it"
    listener.view.close()


def test_an_end_waits_for_a_replica_and_not_for_ever(
    group: SentinelGroup, make: Callable[[], RedisStore], caplog: pytest.LogCaptureFixture
) -> None:
    store = make()
    one, other = stored(store), stored(store)
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        end(store, one)
        assert not caplog.records
        with stopped(*(server for server in group.servers if server is not group.master())):
            assert end(store, other) == 1
    assert "only 0 of 1 replicas" in caplog.text


def test_an_end_that_a_failover_lost_is_repeated(
    group: SentinelGroup, make: Callable[[], RedisStore]
) -> None:
    store, other = make(), make()
    one, kept = stored(store), stored(store)
    listener = Listener(other)
    replicated(group)
    former = group.master()
    replicas = [server for server in group.servers if server is not former]
    with stopped(*replicas):  # they do not hear of it before the master is gone
        assert end(store, one) == 1
        store.add_once(ExpiringKey("sub", b"alice"), NOW + 3600, NOW - 5, announce=True)
        assert wait_until(lambda: {one.key, b"alice"} <= listener.ended)
        kill(former)
    recovers(lambda: other.open(kept.key, NOW))

    def is_ended() -> bool:
        with suppress(StoreUnavailable):
            return other.open(one.key, NOW) is None
        return False

    assert wait_until(is_ended, 60)
    recovers(lambda: other.when_added((), NOW))
    assert wait_until(lambda: other.when_added((ExpiringKey("sub", b"alice"),), NOW).at == NOW - 5)
    assert other.open(kept.key, NOW) == kept


def test_the_sentinels_are_gone_and_the_master_is_there(
    group: SentinelGroup, make: Callable[[], RedisStore]
) -> None:
    store = make()
    one, listener = stored(store), Listener(store)
    for sentinel in group.sentinels:
        kill(sentinel)
    time.sleep(LAG)
    assert store.open(one.key, NOW) == one
    assert listener.soon_admits(one.key)


# --- a cluster ----------------------------------------------------------------------------------------


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Server]]:
    with redis_cluster(tmp_path) as servers:
        yield servers


@pytest.fixture
def cluster(nodes: list[Server]) -> Iterator[RedisStore]:
    address = Address("cluster", tuple(("127.0.0.1", node.port) for node in nodes))
    store = RedisStore(address, lag_seconds=LAG)
    yield store
    store.close()


def node_id(server: Server) -> str:
    with client_of(server.port) as client:
        found = client.execute_command("CLUSTER", "MYID")
    return found.decode() if isinstance(found, bytes) else str(found)


def test_a_slot_moves(nodes: list[Server], cluster: RedisStore) -> None:
    one, listener = stored(cluster, new_key()), Listener(cluster)
    for name in (f"oidc_gate:row:{one.key.hex()}", "oidc_gate:{ends}:log"):
        with client_of(nodes[0].port) as client:
            slot = client.execute_command("CLUSTER", "KEYSLOT", name)
        source = nodes[slot * 3 // 16_384]
        target = next(node for node in nodes if node is not source)
        with client_of(source.port) as giving, client_of(target.port) as taking:
            taking.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(source))
            giving.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(target))
            works(cluster, one)
            keys = giving.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
            giving.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            works(cluster, one)
            for node in (target, source, *nodes):
                with client_of(node.port) as client:
                    client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", node_id(target))
        works(cluster, one)
        assert wait_until(lambda: listener.view.is_current())
    late = stored(cluster)
    end(cluster, late)
    assert wait_until(lambda: late.key in listener.ended)
    assert end(cluster, one) == 1


def works(store: RedisStore, one: Row) -> None:
    """Use a store in every way; in the moment of a move a call may fail, and then succeeds."""
    recovers(lambda: store.open(one.key, NOW))
    assert store.open(one.key, NOW) is not None, "no session is lost"
    recovers(lambda: store.touch(one.key, NOW, one.leaves_at, NOW))
    recovers(lambda: end(store, Row(new_key(), 1, 0, 0, 0)))
    recovers(lambda: stored(store))


def test_a_node_is_gone_and_comes_back(nodes: list[Server], cluster: RedisStore) -> None:
    rows, listener = [stored(cluster) for _ in range(12)], Listener(cluster)
    with stopped(nodes[1]):
        failures = 0
        started = time.monotonic()
        for one in rows:
            try:
                assert cluster.open(one.key, NOW) == one
            except StoreUnavailable:
                failures += 1
        assert failures > 0
        assert time.monotonic() - started < len(rows) * 4, "each fails in time"
    for one in rows:
        recovers(lambda key=one.key: cluster.open(key, NOW))  # type: ignore[misc]
        assert cluster.open(one.key, NOW) == one
    assert wait_until(lambda: listener.view.is_current())
    assert cluster.count(EVERYTHING, NOW) == 12


def test_none_of_the_nodes_is_there(nodes: list[Server], cluster: RedisStore) -> None:
    for node in nodes:
        kill(node)
    with pytest.raises(StoreUnavailable):
        cluster.open(new_key(), NOW)
    fresh = RedisStore(Address("cluster", (("127.0.0.1", nodes[0].port),)))
    with pytest.raises(StoreUnavailable):
        fresh.open(new_key(), NOW)


def test_evicting_nodes_are_found(nodes: list[Server], cluster: RedisStore) -> None:
    assert cluster.check(NOW) == ()
    with client_of(nodes[2].port) as client:
        client.config_set("maxmemory-policy", "allkeys-lfu")
    (problem,) = cluster.check(NOW)
    assert "allkeys-lfu" in problem
