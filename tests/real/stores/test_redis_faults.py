"""What the store in Redis does when Redis fails: it refuses in time, lets nobody in, loses nothing, and recovers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING, ExpiringKey, Row, Selector
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.testing.store_contract import Listener, new_key, wait_until
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.redis_server import client_of, redis_server, wait_for
from tests.real.stores.proxy import proxy_to

NOW = int(time.time())
LAG = 0.5
DEADLINE = 2.0


def row(*indexes: bytes, body: bytes = b"sealed") -> Row:
    return Row(new_key(), 1, NOW + 3600, NOW + 3600, NOW, indexes, b"label", body)


def stored(store: RedisStore, *indexes: bytes) -> Row:
    one = row(*indexes)
    assert store.put(one, 0, NOW)
    return one


def end(store: RedisStore, one: Row) -> int:
    return store.end(Selector(keys=(one.key,)), NOW)


@pytest.fixture
def make() -> Iterator[Callable[[int], RedisStore]]:
    """Make stores that are closed in the end."""
    made: list[RedisStore] = []

    def store(port: int) -> RedisStore:
        made.append(RedisStore(Address("server", (("127.0.0.1", port),)), lag_seconds=LAG))
        return made[-1]

    yield store
    for each in made:
        each.close()


def refuses(call: Callable[[], object]) -> str:
    """Return why a call fails; it does so within its deadline."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        call()
    assert time.monotonic() - started < DEADLINE * 2, "twice the deadline, for a busy machine"
    assert (caught.value.status, caught.value.code) == (503, "store_unavailable")
    return caught.value.detail


def recovers(call: Callable[[], object]) -> None:
    """Wait until a call succeeds."""
    for _ in wait_for("the store"):
        with suppress(StoreUnavailable):
            call()
            return


def kill(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def test_it_is_not_there(make: Callable[[int], RedisStore]) -> None:
    store = make(free_port())
    one = row()
    for call in (
        lambda: store.open(one.key, NOW),
        lambda: store.put(one, 0, NOW),
        lambda: store.touch(one.key, NOW, NOW, NOW),
        lambda: end(store, one),
        lambda: store.end(EVERYTHING, NOW),
        lambda: store.count(EVERYTHING, NOW),
        lambda: store.find(EVERYTHING, NOW),
        lambda: store.add_once(ExpiringKey("k", b"n"), NOW + 9, NOW),
        lambda: store.when_added((), NOW),
        lambda: store.lease(b"l", 1),
        lambda: store.check(NOW),
    ):
        assert "ConnectionError" in refuses(call)
    view = store.view(lambda keys: None)
    assert not view.catch_up()
    view.close()


def test_killed_and_restarted_without_persistence(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        one, listener = stored(store), Listener(store)
        store.add_once(ExpiringKey("sub", b"alice"), NOW + 3600, NOW - 1000)
        with client_of(server.port) as client:
            birth = client.get("oidc_gate:{ends}:birth")
            assert birth, "`add_once` says since when it is known"
        kill(server)
        refuses(lambda: store.open(one.key, NOW))
        assert wait_until(lambda: not listener.would_admit(one.key)), "what is remembered counts for the lag"
        assert not listener.gaps
    with redis_server(directory=tmp_path, port=server.port), client_of(server.port) as client:
        recovers(lambda: store.open(one.key, NOW))
        assert store.open(one.key, NOW) is None
        assert wait_until(lambda: listener.gaps == 1)
        assert client.get("oidc_gate:{ends}:birth") != birth
        added = store.when_added((ExpiringKey("sub", b"alice"),), NOW)
        assert added.at is None
        assert added.born_at >= NOW - 1, "what it knew before is forgotten, and it says so"
        assert stored(store)


def test_killed_and_restarted_with_persistence(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path, keeps=True) as server:
        store, other = make(server.port), make(server.port)
        one, ended, listener = stored(store), stored(store), Listener(store)
        end(other, ended)
        assert wait_until(lambda: ended.key in listener.ended)
        kill(server)
        refuses(lambda: store.open(one.key, NOW))
    with redis_server(directory=tmp_path, port=server.port, keeps=True):
        recovers(lambda: store.open(one.key, NOW))
        assert store.open(one.key, NOW) == one, "no session is lost"
        assert store.open(ended.key, NOW) is None
        assert listener.soon_admits(one.key)
        assert listener.gaps == 0, "it goes on where it was"
        late = stored(store)
        end(other, late)
        assert wait_until(lambda: late.key in listener.ended)


def test_restarted_from_a_state_before_an_end(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    """What a failover loses too: the end is gone, the session is back. Those who heard of the end repeat it."""
    with redis_server(directory=tmp_path) as server:
        store, other = make(server.port), make(server.port)
        one, kept = stored(store), stored(store)
        listener = Listener(other)
        store.add_once(ExpiringKey("sub", b"kept"), NOW + 3600, NOW - 5, announce=True)
        assert wait_until(lambda: b"kept" in listener.ended)
        with client_of(server.port) as client:
            client.save()
        end(store, one)
        store.add_once(ExpiringKey("sub", b"lost"), NOW + 3600, NOW - 7, announce=True)
        assert wait_until(lambda: {one.key, b"lost"} <= listener.ended)
        store.close()  # only the other process lives on
        kill(server)
    with redis_server(directory=tmp_path, port=server.port), client_of(server.port) as client:
        assert wait_until(lambda: not client.exists(f"oidc_gate:row:{one.key.hex()}"))
        recovers(lambda: other.open(kept.key, NOW))
        assert other.open(kept.key, NOW) == kept
        assert listener.gaps
        lost = (ExpiringKey("sub", b"lost"),)
        assert wait_until(lambda: other.when_added(lost, NOW).at is not None)
        assert other.when_added(lost, NOW).at == NOW - 7, (
            "it says when the session was ended, and not when repeated"
        )
        fresh = Listener(make(server.port))
        assert not fresh.ended
        assert other.count(EVERYTHING, NOW) == 1


def test_paused(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        one, listener = stored(store), Listener(store)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            assert "Timeout" in refuses(lambda: store.open(one.key, NOW))
            refuses(lambda: store.put(row(), 0, NOW))
            refuses(lambda: end(store, row()))
            assert wait_until(lambda: not listener.would_admit(one.key))
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        recovers(lambda: store.put(row(), 0, NOW))
        assert listener.soon_admits(one.key), "no session is lost, and no gap was needed"


def test_many_requests_at_once_while_it_is_paused(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        one, durations = stored(store), list[float]()

        def ask() -> None:
            started = time.monotonic()
            with suppress(StoreUnavailable):
                store.open(one.key, NOW)
            durations.append(time.monotonic() - started)

        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert max(durations) < DEADLINE * 2, "one waits for another"


def test_loading(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        rows = [stored(store) for _ in range(50)]
        with client_of(server.port) as client:
            client.mset({f"filler{number}": "x" for number in range(3_000)})
            client.save()
        kill(server)
    slowly = ("--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024")
    with redis_server(*slowly, directory=tmp_path, port=server.port):
        details = []
        for _ in wait_for("LOADING"):
            try:
                store.open(rows[0].key, NOW)
                break
            except StoreUnavailable as error:
                details.append(error.detail)
        assert any("BusyLoadingError" in detail for detail in details)
        assert [store.open(each.key, NOW) for each in rows] == rows


def test_out_of_memory(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server("--maxmemory", "4mb", directory=tmp_path) as server:
        store, other = make(server.port), make(server.port)
        rows = [stored(store) for _ in range(3)]
        listener = Listener(other)

        def fill() -> None:
            for _ in range(1_000):
                store.put(row(body=os.urandom(20_000)), 0, NOW)

        assert "OutOfMemoryError" in refuses(fill)
        assert store.open(rows[0].key, NOW) == rows[0]
        assert listener.soon_admits(rows[1].key)
        assert end(store, rows[1]) == 1, "a session can be ended all the same"
        time.sleep(LAG)
        assert not listener.would_admit(rows[1].key)
        assert wait_until(lambda: rows[1].key in listener.ended)
        with client_of(server.port) as client:
            client.config_set("maxmemory", "100mb")
        assert stored(store)


def test_read_only(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with redis_server(directory=tmp_path) as server, redis_server(directory=tmp_path / "other") as master:
        store = make(server.port)
        stored(store)
        with client_of(server.port) as client:
            client.replicaof("127.0.0.1", master.port)
            assert "ReadOnlyError" in refuses(lambda: store.put(row(), 0, NOW))
            refuses(lambda: end(store, row()))
            client.replicaof("NO", "ONE")
        assert stored(store)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_a_policy_that_evicts_is_an_error(
    make: Callable[[int], RedisStore], tmp_path: Path, policy: str
) -> None:
    with redis_server("--maxmemory-policy", policy, directory=tmp_path) as server:
        (problem,) = make(server.port).check(NOW)
        assert policy in problem
        assert "noeviction" in problem
        with client_of(server.port) as client:
            client.config_set("maxmemory-policy", "noeviction")
        assert make(server.port).check(NOW) == ()


def test_flushed(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        one, listener = stored(store), Listener(store)
        store.add_once(ExpiringKey("sub", b"alice"), NOW + 3600, NOW - 1000)
        assert listener.soon_admits(one.key)
        with client_of(server.port) as client:
            client.flushall()
        time.sleep(LAG)
        assert not listener.would_admit(one.key)
        assert wait_until(lambda: listener.gaps == 1)
        assert store.open(one.key, NOW) is None
        assert store.when_added((ExpiringKey("sub", b"alice"),), NOW).born_at >= NOW - 1
        late = stored(store)
        end(make(server.port), late)
        assert wait_until(lambda: late.key in listener.ended)


@pytest.mark.parametrize("name", ["log", "birth"])
def test_the_log_of_ends_is_deleted(make: Callable[[int], RedisStore], tmp_path: Path, name: str) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        listener = Listener(store)
        with client_of(server.port) as client:
            assert client.delete(f"oidc_gate:{{ends}}:{name}")
        assert wait_until(lambda: listener.gaps > 0), "ends may be missing"


def test_a_half_open_connection(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    """The reader is not answered, and does not know: what is remembered counts for the lag and no longer."""
    with redis_server(directory=tmp_path) as server, proxy_to(server.port) as proxy:
        direct, store = make(server.port), make(proxy.port)
        one, kept, listener = stored(direct), stored(direct), Listener(store)
        assert listener.soon_admits(one.key)
        proxy.is_frozen = True
        end(direct, one)
        time.sleep(LAG)
        assert not listener.would_admit(one.key)
        assert not listener.ended, "it cannot have heard"
        refuses(lambda: store.open(kept.key, NOW))
        proxy.is_frozen = False
        recovers(lambda: store.open(kept.key, NOW))
        assert store.open(one.key, NOW) is None
        assert wait_until(lambda: one.key in listener.ended), "it has missed nothing"
        assert listener.soon_admits(kept.key)
        assert not listener.gaps


def test_an_end_is_heard_at_once(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        other = RedisStore(Address("server", (("127.0.0.1", server.port),)), lag_seconds=40)
        listener, delays = Listener(other), list[float]()
        for _ in range(20):
            one = stored(store)
            end(store, one)
            ended_at = time.monotonic()
            assert wait_until(lambda key=one.key: key in listener.ended)  # type: ignore[misc]
            delays.append(time.monotonic() - ended_at)
        other.close()
        assert sorted(delays)[10] < 5, "it waits for the next question, which is ten seconds away"


def test_what_is_sent_twice_has_one_effect(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    """A connection that breaks after a command was carried out, and before it was answered."""
    from oidc_gate.store.redis.calls import Call

    with redis_server(directory=tmp_path) as server:
        store = make(server.port)
        send = Call.send

        def send_twice(call: Call, *command: object) -> object:
            send(call, *command)
            return send(call, *command)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Call, "send", send_twice)
            one = row(new_key())
            assert store.put(one, 0, NOW)
            assert store.put(one._replace(version=2, body=b"second"), 1, NOW)
            assert not store.put(one._replace(version=2, body=b"other"), 1, NOW)
            assert store.add_once(ExpiringKey("code", b"a"), NOW + 100, NOW)
            assert not store.add_once(ExpiringKey("code", b"a"), NOW + 100, NOW)
            lease = store.lease(b"refresh", 30)
            assert lease
            assert store.renew(lease, 30)
            assert store.lease(b"refresh", 30) is None
        assert end(store, one) == 1


def test_a_fork_after_it_was_used(make: Callable[[int], RedisStore], tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server:
        store, other = make(server.port), make(server.port)
        one, listener = stored(store), Listener(store)
        pid = os.fork()
        if not pid:
            status = 1
            try:
                assert wait_until(lambda: listener.view.catch_up())
                assert listener.gaps == 1, (
                    "what the parent remembered may have ended before the child listened"
                )
                assert store.open(one.key, NOW) == one
                late = stored(store)
                end(other, late)
                assert wait_until(lambda: late.key in listener.ended)
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert listener.soon_admits(one.key)
        end(other, one)
        assert wait_until(lambda: one.key in listener.ended)


def test_a_process_that_was_stopped_believes_nothing(
    make: Callable[[int], RedisStore], tmp_path: Path
) -> None:
    """SIGSTOP of a worker, or a thread that gets no processor: the answer that it has is too old."""
    with redis_server(directory=tmp_path) as server:
        store, other = make(server.port), make(server.port)
        one = stored(other)
        ready, told = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            try:
                listener = Listener(store)
                os.write(ready[1], b"1" if listener.would_admit(one.key) else b"0")
                os.read(told[0], 1)
                current = listener.view.is_current() and one.key not in listener.ended
                os.write(ready[1], b"1" if current else b"0")
            finally:
                os._exit(0)
        assert os.read(ready[0], 1) == b"1"
        os.kill(pid, signal.SIGSTOP)
        end(other, one)
        os.write(told[1], b"x")
        time.sleep(LAG)
        os.kill(pid, signal.SIGCONT)
        assert os.read(ready[0], 1) == b"0"
        os.waitpid(pid, 0)


def test_keys_leave_by_themselves_and_kinds_are_bounded(tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as server, client_of(server.port) as client:
        store = RedisStore(Address("server", (("127.0.0.1", server.port),)), max_keys=10)
        index = new_key()
        one = stored(store, index)
        assert store.lease(b"refresh", 1000)
        names = (f"row:{one.key.hex()}", f"index:{index.hex()}", "index:all", f"lease:{b'refresh'.hex()}")
        lasts = [client.ttl(f"oidc_gate:{name}") for name in names]
        assert all(0 < seconds <= 3600 + 7200 for seconds in lasts), lasts
        assert lasts[3] <= 60
        first = ExpiringKey("code", b"first")
        store.add_once(first, NOW + 1000, NOW)
        for number in range(40):
            store.add_once(ExpiringKey("frame", b"%d" % number), NOW + 1000 + number, NOW + number)
        assert client.hlen("oidc_gate:{frame}:kept") == client.zcard("oidc_gate:{frame}:order") == 10
        assert store.when_added((first,), NOW + 100).at == NOW, "another kind displaced it"
        assert store.when_added((ExpiringKey("frame", b"29"),), NOW + 100).at is None
        assert store.when_added((ExpiringKey("frame", b"39"),), NOW + 100).at == NOW + 39
        for number in range(30):  # rows and keys that are over leave when others come
            later = NOW + number * 3600
            assert store.put(row(index)._replace(expires_at=later + 60, leaves_at=later + 60), 0, later)
            store.add_once(ExpiringKey("frame", b"%d" % number), later + 60, later)
        assert client.zcard("oidc_gate:index:all") <= 4
        assert client.zcard(f"oidc_gate:index:{index.hex()}") <= 4
        assert client.hlen("oidc_gate:{frame}:kept") <= 4
        store.close()
