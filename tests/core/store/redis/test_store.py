"""The store in Redis: the contract, the commands that it sends, and what bounds them."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from oidc_gate.store.base import EVERYTHING, Added, ExpiringKey, Lease, Page, Row, Selector, Store
from oidc_gate.store.redis import scripts
from oidc_gate.store.redis import store as redis_store
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.testing.store_contract import Listener, StoreContract, wait_until

from .conftest import NOW, Make
from .fake_redis import FakeRedis, Refused, Words

SCRIPTS = {
    getattr(scripts, name): name
    for name in ("PUT", "TOUCH", "DROP", "INDEX", "ANNOUNCE", "BORN", "ADD", "LEASE", "RENEW", "RELEASE")
}
KEY, OTHER = b"k" * 32, b"o" * 32
ALICE, AT_PROVIDER = b"a" * 32, b"p" * 32
ROW = Row(KEY, 1, NOW + 3600, NOW + 600, NOW, (ALICE, AT_PROVIDER), b"label", b"body")
WITHOUT_BODY = ROW._replace(body=b"")
SINCE = NOW - 7200
ALL = "oidc_gate:index:all"
BIRTH, LOG = "oidc_gate:{ends}:birth", "oidc_gate:{ends}:log"


def name_of(key: bytes, kind: str = "row") -> str:
    return f"oidc_gate:{kind}:{key.hex()}"


@pytest.mark.slow
class TestRedisStore(StoreContract):
    def setup_method(self) -> None:
        self.fake = FakeRedis()
        super().setup_method()

    def teardown_method(self) -> None:
        super().teardown_method()
        self.fake.close()

    def new_store(self) -> Store:
        address = Address("server", (("127.0.0.1", self.fake.port),))
        return RedisStore(address, lag_seconds=0.5, deadline_seconds=60)


def sent(fake: FakeRedis) -> list[list[Any]]:
    """Return the commands that came since the last call: scripts by name, texts and numbers as such."""
    found = [_plain(words) for words in fake.commands]
    fake.commands.clear()
    return found


def _plain(words: Words) -> list[Any]:
    if words[0] == b"EVAL":
        words = [SCRIPTS[words[1].decode()].encode(), *words[3:]]
    return [_readable(word) for word in words]


def _readable(word: bytes) -> Any:
    if re.fullmatch(rb"-?[0-9]{1,12}", word):
        return int(word)
    if word.isascii() and word.decode().isprintable() and word not in (KEY, OTHER, ALICE, AT_PROVIDER):
        return re.sub(r"^([0-9]*\.?)[0-9a-f]{24}$", r"\1RANDOM", word.decode())
    return word


def test_the_commands_for_a_row(fake: FakeRedis, store: RedisStore) -> None:
    assert store.put(ROW, 0, NOW) is True
    assert sent(fake) == [
        ["INDEX", ALL, NOW + 3600, KEY, SINCE],
        ["INDEX", name_of(ALICE, "index"), NOW + 3600, KEY, SINCE],
        ["INDEX", name_of(AT_PROVIDER, "index"), NOW + 3600, KEY, SINCE],
        ["PUT", name_of(KEY), 0, 1, NOW + 3600, NOW + 600, NOW, "a" * 32 + "p" * 32, "label", "body", SINCE],
    ]
    assert store.put(ROW, 0, NOW) is True, "sent twice"
    assert store.put(ROW._replace(body=b"other"), 0, NOW) is False
    sent(fake)
    assert store.touch(KEY, NOW + 5, NOW + 605, NOW + 5) is True
    assert store.open(KEY, NOW) == ROW._replace(last_seen=NOW + 5, leaves_at=NOW + 605)
    assert sent(fake) == [
        ["TOUCH", name_of(KEY), NOW + 5, NOW + 605, NOW + 5, SINCE + 5],
        ["HMGET", name_of(KEY), *"velsinb"],
    ]
    assert store.touch(OTHER, NOW, NOW, NOW) is False
    assert store.open(OTHER, NOW) is None
    assert store.open(KEY, NOW + 605) is None
    assert store.open(KEY, NOW + 604) is not None


def test_the_commands_for_an_end(fake: FakeRedis, store: RedisStore) -> None:
    store.put(ROW, 0, NOW)
    sent(fake)
    assert store.end(Selector(keys=(OTHER,), indexes=(ALICE,)), NOW) == 1
    first, *others = sent(fake)
    assert first == ["ZRANGE", name_of(ALICE, "index"), 0, -1]
    assert sorted(others[:2]) == [["DROP", name_of(KEY)], ["DROP", name_of(OTHER)]]
    announced = others[2]
    assert announced[:3] == ["ANNOUNCE", LOG, 100_000]
    assert sorted(announced[3:], key=str) == sorted([KEY, OTHER, *[""] * 6], key=str)
    assert sorted(others[3:], key=str) == sorted(
        [
            ["ZREM", ALL, KEY],
            ["ZREM", ALL, OTHER],
            ["ZREM", name_of(ALICE, "index"), KEY],
            ["ZREM", name_of(AT_PROVIDER, "index"), KEY],
        ],
        key=str,
    )
    assert fake.data[ALL.encode()] == fake.data[name_of(ALICE, "index").encode()] == {}
    assert store.end(Selector(keys=(KEY,)), NOW) == 0


def test_a_row_that_is_over_is_ended_and_not_counted(store: RedisStore) -> None:
    for now, ended in ((NOW + 599, 1), (NOW + 600, 0)):
        store.put(ROW, 0, NOW)
        assert store.count(Selector(keys=(KEY,)), now) == ended
        assert store.count(EVERYTHING, now) == ended
        assert store.find(EVERYTHING, now) == Page((WITHOUT_BODY,) if ended else (), b"")
        assert store.end(Selector(keys=(KEY,)), now) == ended
        store.put(ROW, 0, NOW)
        assert store.end(EVERYTHING, now) == ended


def test_an_end_counts_although_the_indexes_cannot_be_written(fake: FakeRedis, store: RedisStore) -> None:
    store.put(ROW, 0, NOW)

    def full(words: Words) -> None:
        if words[0] == b"ZREM":
            raise Refused("OOM command not allowed")

    fake.before = full
    assert store.end(Selector(keys=(KEY,)), NOW) == 1
    assert store.open(KEY, NOW) is None


def test_the_commands_for_the_end_of_everything(
    fake: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "_AT_A_TIME", 2)
    keys = [bytes([number]) * 32 for number in (0x81, 0x82, 0x83)]
    for key in keys:
        store.put(ROW._replace(key=key, indexes=()), 0, NOW)
    sent(fake)
    assert store.count(EVERYTHING, NOW) == 3
    assert [command[0] for command in sent(fake)] == ["ZSCAN", "HMGET", "HMGET", "ZSCAN", "HMGET"]
    assert store.end(EVERYTHING, NOW) == 3
    commands = sent(fake)
    assert [command for command in commands if command[0] != "DROP"] == [
        ["ZSCAN", ALL, 0, "COUNT", 2],
        ["ZSCAN", ALL, 2, "COUNT", 2],
        ["ANNOUNCE", LOG, 100_000, "", "", "", ""],
        ["DEL", ALL],
    ]
    assert sorted(command[1] for command in commands if command[0] == "DROP") == [
        name_of(key) for key in keys
    ]


def test_an_end_of_many_goes_on_in_batches(
    fake: FakeRedis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "_AT_A_TIME", 2)
    keys = tuple(bytes([number]) * 32 for number in (0x81, 0x82, 0x83))
    for key in keys:
        store.put(ROW._replace(key=key, indexes=()), 0, NOW)
    sent(fake)
    assert store.end(Selector(keys=keys), NOW) == 3
    batch = ["DROP", "DROP", "ANNOUNCE", "ZREM", "ZREM"]
    assert [command[0] for command in sent(fake)] == [*batch, "DROP", "ANNOUNCE", "ZREM"]


def test_the_pages_of_find(fake: FakeRedis, store: RedisStore) -> None:
    rows = [ROW._replace(key=bytes([number]) * 32, indexes=(ALICE,)) for number in (0x81, 0x82, 0x83)]
    for row in rows:
        store.put(row, 0, NOW)
    sent(fake)
    bare = [row._replace(body=b"") for row in rows]
    by_alice = Selector(indexes=(ALICE,))
    assert store.find(by_alice, NOW, b"", 2) == Page((bare[0], bare[1]), rows[1].key)
    assert store.find(by_alice, NOW, rows[1].key, 2) == Page((bare[2],), b"")
    assert store.find(by_alice, NOW, rows[0].key, 2) == Page((bare[1], bare[2]), b"")
    assert store.find(by_alice, NOW, b"", 3) == Page(tuple(bare), b"")
    assert sent(fake)[:3] == [
        ["ZRANGE", name_of(ALICE, "index"), 0, -1],
        ["HMGET", name_of(rows[0].key), *"velsin"],
        ["HMGET", name_of(rows[1].key), *"velsin"],
    ]
    assert store.find(EVERYTHING, NOW, b"", 2) == Page((bare[0], bare[1]), b"2")
    assert store.find(EVERYTHING, NOW, b"2", 2) == Page((bare[2],), b"")
    assert [command for command in sent(fake) if command[0] == "ZSCAN"] == [
        ["ZSCAN", ALL, 0, "COUNT", 2],
        ["ZSCAN", ALL, 2, "COUNT", 2],
    ]
    assert store.find(Selector(keys=(OTHER,)), NOW) == Page((), b"")


def test_the_commands_for_an_expiring_key(fake: FakeRedis, make: Make) -> None:
    store = make(max_keys=7)
    added = [
        "ADD",
        "oidc_gate:{sub}:kept",
        "oidc_gate:{sub}:order",
        "alice",
        NOW + 60,
        NOW,
        "RANDOM",
        SINCE,
        7,
        NOW,
    ]
    assert store.add_once(ExpiringKey("sub", b"alice"), NOW + 60, NOW) is True
    assert sent(fake) == [added, ["EXISTS", BIRTH], ["BORN", BIRTH, LOG, f"{NOW}.RANDOM", ""]]
    assert store.add_once(ExpiringKey("sub", b"alice"), NOW + 60, NOW, announce=True) is False
    assert sent(fake) == [
        added,
        ["EXISTS", BIRTH],
        ["ANNOUNCE", LOG, 100_000, "alice", "sub", NOW, NOW + 60],
    ]
    keys = (ExpiringKey("sub", b"alice"), ExpiringKey("code", b"c"), ExpiringKey("sub", b"bob"))
    assert store.when_added(keys, NOW + 59) == Added(NOW, NOW)
    assert sent(fake) == [
        ["GET", BIRTH],
        ["HMGET", "oidc_gate:{sub}:kept", "alice", "bob"],
        ["HMGET", "oidc_gate:{code}:kept", "c"],
    ]
    assert store.when_added(keys, NOW + 60) == Added(None, NOW)
    assert store.when_added((), NOW + 60) == Added(None, NOW)
    fake.flush()
    assert store.when_added(keys, NOW + 61) == Added(None, NOW + 61)


def test_the_commands_for_a_lease(fake: FakeRedis, store: RedisStore) -> None:
    lease = store.lease(b"refresh", 0.25)
    assert lease is not None
    assert (lease.name, len(lease.token)) == (b"refresh", 16)
    name = f"oidc_gate:lease:{b'refresh'.hex()}"
    assert fake.data[name.encode()] == lease.token
    assert store.renew(lease, 3600) is True
    assert fake.lasts[name.encode()] == 60, "at most a minute"
    assert store.renew(lease._replace(token=b"x"), 1) is False
    store.release(lease._replace(token=b"x"))
    assert store.lease(b"refresh", 1) is None
    store.release(lease)
    assert name.encode() not in fake.data
    assert store.renew(lease, 1) is False
    assert [[command[0], command[1], *command[3:]] for command in sent(fake)] == [
        ["LEASE", name, 250], ["RENEW", name, 60_000], ["RENEW", name, 1000], ["RELEASE", name],
        ["LEASE", name, 1000], ["RELEASE", name], ["RENEW", name, 1000],
    ]  # fmt: skip
    assert store.renew(Lease(b"other", b"t"), 0) is False
    assert sent(fake)[0][3:] == [1], "Redis takes no lifetime of 0"


def test_a_policy_that_evicts_is_a_problem(fake: FakeRedis, store: RedisStore) -> None:
    assert store.check(NOW) == ()
    assert fake.data[BIRTH.encode()].startswith(b"%d." % NOW)
    fake.policy = b"allkeys-lru"
    assert store.check(NOW) == (
        f"maxmemory-policy of Redis at 127.0.0.1:{fake.port}, database 0 is allkeys-lru: when its memory is full,"
        " Redis would remove sessions, and the records that sessions have ended; set it to noeviction",
    )


def test_a_user_who_may_not_ask_for_the_policy(
    fake: FakeRedis, store: RedisStore, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(words: Words) -> None:
        if words[0] == b"INFO":
            raise Refused("NOPERM this user has no permissions to run the 'info' command")

    fake.before = refuse
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        assert store.check(NOW) == ()
    said = "the user in session_store may not ask for INFO: whether Redis evicts sessions is not checked"
    assert caplog.record_tuples == [("oidc_gate.store", logging.WARNING, said)]


def test_what_a_process_ends_itself_is_reported_at_once_to_each_open_view(store: RedisStore) -> None:
    listeners = [Listener(store), Listener(store)]
    closed = Listener(store)
    closed.view.close()
    Listener(store)
    assert len(store._views) == 3, "closed ones are forgotten"
    store.end(Selector(keys=(KEY,)), NOW)
    assert [listener.ended for listener in listeners] == [{KEY}, {KEY}]
    assert closed.ended == set()
    store.add_once(ExpiringKey("sub", b"alice"), NOW + 60, NOW, announce=True)
    assert all(listener.ended == {KEY, b"alice"} for listener in listeners)
    store.end(EVERYTHING, NOW)
    assert all(listener.gaps >= 1 for listener in listeners)


def test_closed(fake: FakeRedis, store: RedisStore) -> None:
    listener = Listener(store)
    store.close()
    assert not listener.view.is_current()
    assert store._views == ()
    assert store.open(KEY, NOW) is None, "it opens a new connection"


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_the_other_kinds_of_servers(fake: FakeRedis, make: Make, kind: str) -> None:
    store = make(kind, address={"service": "main"}, lag_seconds=0.5)
    other = make(kind, address={"service": "main"}, lag_seconds=0.5)
    listener = Listener(other)
    assert store.put(ROW, 0, NOW)
    assert other.open(KEY, NOW) == ROW
    assert other.find(EVERYTHING, NOW) == Page((WITHOUT_BODY,), b"")
    assert other.count(Selector(indexes=(ALICE,)), NOW) == 1
    assert other.add_once(ExpiringKey("code", b"c"), NOW + 60, NOW)
    assert store.when_added((ExpiringKey("code", b"c"),), NOW) == Added(NOW, NOW)
    assert store.end(Selector(indexes=(AT_PROVIDER,)), NOW) == 1
    assert wait_until(lambda: KEY in listener.ended)
    lease = store.lease(b"refresh", 10)
    assert lease is not None
    store.release(lease)
    fake.policy = b"volatile-ttl"
    assert len(store.check(NOW)) == 1
