"""What the store in Redis is made of: its limits, its connections, and the forms of answers that it reads."""

from __future__ import annotations

import time
from typing import Any

import pytest

from oidc_gate.store.base import EVERYTHING
from oidc_gate.store.redis import store as redis_store
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.calls import Call, Calls
from oidc_gate.store.redis.store import RedisStore

from .conftest import NOW, Make

KEY, OTHER, ALICE = b"k" * 32, b"o" * 32, b"a" * 32


def test_closing_closes_what_is_asked_and_what_reads(store: RedisStore) -> None:
    assert store._ask(None, 0.01).keys == ()
    store.open(KEY, NOW)
    assert None not in (store._calls._client, store._reader._client)
    store.close()
    assert (store._calls._client, store._reader._client) == (None, None)


def test_the_reader_follows_the_master_for_all(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store, followed = make(), list[object]()
    monkeypatch.setattr(Calls, "follow_master", lambda calls: followed.append(calls))
    store._ask(None, 0.01)
    assert followed == [store._reader, store._calls]


def test_the_defaults() -> None:
    store = RedisStore(Address("server", (("h", 1),)))
    assert (store._name, store.lag_seconds, store._max_keys) == ("oidc_gate", 1.0, 250_000)
    calls, ends = store._calls, store._ends
    assert (calls._deadline_seconds, calls._answer_seconds) == (2.0, 0.9)
    assert (ends._replicas, ends._clock) == (0, time.time)
    assert store.view(lambda keys: None)._name == "oidc_gate reader of ends"  # type: ignore[attr-defined]


def test_both_forms_of_a_page(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """redis-py returns pairs and a number; over some connections, a flat list and a text."""
    pages = {0: (7, [(KEY, 1.0), (OTHER, 2.0)]), 7: (b"9", [OTHER, b"2", ALICE, b"3"]), b"9": (0, [])}
    asked: list[tuple[Any, ...]] = []

    def send(call: Call, *command: Any) -> Any:
        asked.append(command)
        return pages[command[2] or 0]

    monkeypatch.setattr(Call, "send", send)
    monkeypatch.setattr(
        Call,
        "send_all",
        lambda call, commands: [[b"1", b"%d" % (NOW + 1), b"%d" % (NOW + 1), *[None] * 3]] * len(commands),
    )
    found = list(store._all_keys())
    assert (sorted(found), len(found)) == ([ALICE, KEY, OTHER], 3)
    assert [command[2:] for command in asked] == [(cursor, "COUNT", 500) for cursor in (0, 7, b"9")]
    first, second, last = (store.find(EVERYTHING, NOW, after) for after in (b"", 7, b"9"))  # type: ignore[arg-type]
    assert ([row.key for row in first.rows], first.next) == ([KEY, OTHER], b"7")
    assert ([row.key for row in second.rows], second.next) == ([OTHER, ALICE], b"9")
    assert (last.rows, last.next) == ((), b"")


class Masters:
    """A client of a cluster, with the answer of each master to INFO."""

    def __init__(self, **answers: dict[str, object]) -> None:
        self.answers = answers

    def get_primaries(self) -> list[str]:
        return list(self.answers)

    def info(self, section: str, *, target_nodes: str) -> dict[str, object]:
        assert section == "memory"
        return self.answers[target_nodes]


def test_every_master_of_a_cluster_is_asked_for_its_policy() -> None:
    masters = Masters(
        a={"maxmemory_policy": "noeviction"}, b={"maxmemory_policy": "allkeys-lru"}, c={"used_memory": 1}
    )
    assert redis_store._policies(masters) == {"noeviction", "allkeys-lru"}
    assert redis_store._policies(Masters(c={})) == {"noeviction"}, "a server that has none evicts nothing"


def test_the_limits_of_its_calls(make: Make) -> None:
    store = make(deadline_seconds=2, lag_seconds=4, namespace="portal", replicas=2)
    assert (store.blocks, store.lag_seconds, store.describe()[:8]) == (True, 4, "Redis at")
    calls, reader = store._calls, store._reader
    assert (calls._deadline_seconds, calls._answer_seconds) == (2, 0.9)
    assert (reader._deadline_seconds, reader._answer_seconds) == (12, 3), (
        "it waits for ends for a quarter of the lag"
    )
    assert store._ends.birth == "portal:{ends}:birth"
    assert store._row(b"\1") == "portal:row:01"
