"""A store for any number of machines: Redis or Valkey, as one server, a Sentinel group or a cluster.

Every key begins with the namespace. After it comes

- ``row:<key>``: a hash, one session;
- ``index:<index>`` and ``index:all``: sorted sets of the keys of rows, ordered by the ends of the sessions;
- ``{ends}:log`` and ``{ends}:birth``: see `oidc_gate.store.redis.ends`;
- ``{<kind>}:kept`` and ``{<kind>}:order``: the expiring keys of a kind;
- ``lease:<name>``: a lease.

In a cluster, rows are spread over the nodes, so an operation on several keys is not atomic. It uses an order in which
an interrupted attempt can be repeated: the indexes are written before the row; the row is deleted first, then its end
is announced, and then it is removed from the indexes.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import redis

from ...errors import StoreUnavailable
from ..base import (
    DEADLINE_SECONDS,
    GRACE_SECONDS,
    Added,
    ExpiringKey,
    Lease,
    OnEnds,
    Page,
    Row,
    Selector,
    View,
)
from ..polling import POLLS_PER_LAG, Announced, PollingView
from . import scripts
from .address import Address
from .calls import Call, Calls, Command
from .connect import Client
from .ends import End, EndLog
from .rows import over_at, row_of, split_indexes

log = logging.getLogger("oidc_gate.store")

MAX_KEYS_OF_A_KIND = 250_000
MAX_LEASE_SECONDS = 60.0
_AT_A_TIME = 500


class RedisStore:
    """Sessions in Redis 6 or later, or in Valkey. It is safe under threads, between processes and after a fork.

    Args:
        address: The address of Redis.
        namespace: The beginning of all keys. Gates that do not share sessions have different ones.
        lag_seconds: How long a process may use cached sessions while Redis does not answer. This is also the longest
            time until an end applies in every process.
        deadline_seconds: The limit for a call.
        replicas: The number of replicas that `end` waits for, a tenth of a second at most, so that a failover loses no
            end; 0 for a server without replicas.
        max_keys: The maximum number of expiring keys of one kind. Beyond it, those that expire first are removed.
        clock: Returns epoch seconds, for operations without `now`.
    """

    blocks = True

    def __init__(
        self,
        address: Address,
        *,
        namespace: str = "oidc_gate",
        lag_seconds: float = 1.0,
        deadline_seconds: float = DEADLINE_SECONDS,
        replicas: int = 0,
        max_keys: int = MAX_KEYS_OF_A_KIND,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address, self._name, self.lag_seconds = address, namespace, lag_seconds
        self._max_keys = max_keys
        self._calls = Calls(address, deadline_seconds, deadline_seconds * 0.45)
        # The reader of ends has connections of its own, so that it does not wait for a connection under load.
        answer_seconds = lag_seconds / POLLS_PER_LAG + lag_seconds / 2
        self._reader = Calls(address, answer_seconds * 4, answer_seconds)
        self._ends = EndLog(namespace, clock, self._end_again, replicas)
        self._views: tuple[PollingView, ...] = ()

    # --- rows -----------------------------------------------------------------------------------------

    def open(self, key: bytes, now: int) -> Row | None:
        """Return the row of `key` unless it is over."""
        row = row_of(key, self._calls.begin().send("HMGET", self._row(key), *"velsinb"))
        return None if row is None or row.is_over(now) else row

    def put(self, row: Row, expected_version: int, now: int) -> bool:
        """Write `row` if the one that is there has `expected_version`."""
        call, since = self._calls.begin(), now - GRACE_SECONDS
        # The indexes are written first: a row without its indexes could not be found by them, and indexes without a
        # row do no harm.
        call.send_all(
            [
                ("EVAL", scripts.INDEX, 1, name, row.expires_at, row.key, since)
                for name in (self._all, *map(self._index, row.indexes))
            ]
        )
        written = call.send(
            "EVAL", scripts.PUT, 1, self._row(row.key), expected_version, row.version, row.expires_at, row.leaves_at,
            row.last_seen, b"".join(row.indexes), row.label, row.body, since,
        )  # fmt: skip
        return bool(written)

    def touch(self, key: bytes, last_seen: int, leaves_at: int, now: int) -> bool:
        """Move both times of a row forward."""
        since = now - GRACE_SECONDS
        call = self._calls.begin()
        return bool(call.send("EVAL", scripts.TOUCH, 1, self._row(key), last_seen, leaves_at, now, since))

    # --- ends and lists -------------------------------------------------------------------------------

    def end(self, selector: Selector, now: int) -> int:
        """Delete rows and announce their keys."""
        if selector.everything:
            return self._end_everything(now)
        call = self._calls.begin()
        ended = 0
        for keys in _batches(self._keys(call, selector)):
            ended += self._end(call, keys, now)
            call = self._calls.begin()  # a deadline for each batch
        return ended

    def _end(self, call: Call, keys: Sequence[bytes], now: int) -> int:
        dropped = call.send_all([("EVAL", scripts.DROP, 1, self._row(key)) for key in keys])
        self._announce(call, [End(key) for key in keys])
        members = [(self._all, key) for key in keys]
        for key, (_, _, indexes) in zip(keys, dropped, strict=True):
            members += [(self._index(index), key) for index in split_indexes(indexes or b"")]
        with suppress(
            StoreUnavailable
        ):  # members without a row do no harm, and leave when the row would have
            call.send_all([("ZREM", name, key) for name, key in members])
        return sum(end > now for end in map(over_at, dropped))

    def _end_everything(self, now: int) -> int:
        ended = 0
        for keys in _batches(self._all_keys()):
            call = self._calls.begin()
            dropped = call.send_all([("EVAL", scripts.DROP, 1, self._row(key)) for key in keys])
            ended += sum(end > now for end in map(over_at, dropped))
        call = self._calls.begin()
        self._announce(call, [End(b"")])
        call.send("DEL", self._all)
        return ended

    def _announce(self, call: Call, ends: Sequence[End]) -> None:
        self._ends.announce(call, ends)
        keys = tuple(end.key for end in ends)
        for view in self._views:
            view.report(None if b"" in keys else keys)

    def _end_again(self, ends: Sequence[End]) -> None:
        """End sessions whose ends Redis has lost."""
        call = self._calls.begin()
        rows = [end for end in ends if not end.kind]
        for some in _batches(rows):
            call.send_all([("EVAL", scripts.DROP, 1, self._row(end.key)) for end in some])
        for end in ends:
            if end.kind:
                self._add(call, ExpiringKey(end.kind, end.key), end.until, end.at)
        for some in _batches(ends):
            self._ends.announce(call, some)

    def find(self, selector: Selector, now: int, after: bytes = b"", limit: int = 200) -> Page:
        """Return rows without their bodies."""
        call = self._calls.begin()
        if selector.everything:
            cursor, found = call.send("ZSCAN", self._all, after or 0, "COUNT", limit)
            keys, following = found[::2] if _is_flat(found) else [key for key, _ in found], _text(cursor)
        else:
            keys = sorted(key for key in self._keys(call, selector) if key > after)
            following = keys[limit - 1] if len(keys) > limit else b""
            keys = keys[:limit]
        found = call.send_all([("HMGET", self._row(key), *"velsin") for key in keys])
        rows = [row_of(key, [*fields, b""]) for key, fields in zip(keys, found, strict=True)]
        return Page(tuple(row for row in rows if row and not row.is_over(now)), following)

    def count(self, selector: Selector, now: int) -> int:
        """Return how many sessions there are."""
        keys = self._all_keys() if selector.everything else self._keys(self._calls.begin(), selector)
        count = 0
        for some in _batches(keys):
            found = self._calls.begin().send_all([("HMGET", self._row(key), "e", "l") for key in some])
            count += sum(over_at(fields) > now for fields in found)
        return count

    def view(self, on_ends: OnEnds) -> View:
        """Return a view, for which a thread reads the log of ends."""
        view = PollingView(self._ask, on_ends, self.lag_seconds, "oidc_gate reader of ends")
        self._views = (*(each for each in self._views if not each.is_closed), view)
        return view

    def _ask(self, position: bytes | None, wait_seconds: float) -> Announced:
        for calls in (self._reader, self._calls):
            calls.follow_master()
        return self._ends.ask(self._reader, position, wait_seconds)

    # --- expiring keys and leases ---------------------------------------------------------------------

    def add_once(self, key: ExpiringKey, until: int, now: int, *, announce: bool = False) -> bool:
        """Keep `key` until `until`; return whether it was new."""
        call = self._calls.begin()
        is_new = self._add(call, key, until, now)
        if not call.send("EXISTS", self._ends.birth):
            self._ends.born(call, now)
        if announce:
            self._announce(call, [End(key.name, key.kind, now, until)])
        return is_new

    def _add(self, call: Call, key: ExpiringKey, until: int, now: int) -> bool:
        names = (f"{self._name}:{{{key.kind}}}:kept", f"{self._name}:{{{key.kind}}}:order")
        token = os.urandom(12).hex()
        since = now - GRACE_SECONDS
        return bool(
            call.send("EVAL", scripts.ADD, 2, *names, key.name, until, now, token, since, self._max_keys, now)
        )

    def when_added(self, keys: tuple[ExpiringKey, ...], now: int) -> Added:
        """Return when the newest of `keys` was added."""
        call = self._calls.begin()
        kinds: dict[str, list[bytes]] = {}
        for key in keys:
            kinds.setdefault(key.kind, []).append(key.name)
        commands: list[Command] = [
            ("HMGET", f"{self._name}:{{{kind}}}:kept", *names) for kind, names in kinds.items()
        ]
        birth, *found = call.send_all([("GET", self._ends.birth), *commands])
        kept = [value.split(b" ") for values in found for value in values if value]
        at = max((int(at) for at, until, _ in kept if int(until) > now), default=None)
        return Added(at, int(birth.partition(b".")[0]) if birth else self._ends.born(call, now))

    def lease(self, name: bytes, ttl_seconds: float) -> Lease | None:
        """Take the lease `name` if no other holder has it."""
        lease = Lease(name, os.urandom(16))
        return lease if self._lease(scripts.LEASE, lease, _milliseconds(ttl_seconds)) else None

    def renew(self, lease: Lease, ttl_seconds: float) -> bool:
        """Hold `lease` for another `ttl_seconds`."""
        return self._lease(scripts.RENEW, lease, _milliseconds(ttl_seconds))

    def release(self, lease: Lease) -> None:
        """Release `lease`."""
        self._lease(scripts.RELEASE, lease)

    def _lease(self, script: str, lease: Lease, *more: int) -> bool:
        name = f"{self._name}:lease:{lease.name.hex()}"
        return bool(self._calls.begin().send("EVAL", script, 1, name, lease.token, *more))

    # --- the store itself -----------------------------------------------------------------------------

    def check(self, now: int) -> tuple[str, ...]:
        """Return a problem if the `maxmemory-policy` of Redis may evict sessions and ends."""
        self._ends.born(self._calls.begin(), now)
        policies = self._calls.begin().run(_policies)
        return tuple(
            f"maxmemory-policy of {self._address} is {policy}: when its memory is full, Redis would remove sessions,"
            " and the records that sessions have ended; set it to noeviction"
            for policy in sorted(policies - {"noeviction"})
        )

    def describe(self) -> str:
        """Return the address of Redis, for the log."""
        return str(self._address)

    def close(self) -> None:
        """Close every view and all connections; one that is in use, after its answer."""
        for view in self._views:
            view.close()
        self._views = ()
        self._calls.close()
        self._reader.close()

    @property
    def _all(self) -> str:
        return f"{self._name}:index:all"

    def _row(self, key: bytes) -> str:
        return f"{self._name}:row:{key.hex()}"

    def _index(self, index: bytes) -> str:
        return f"{self._name}:index:{index.hex()}"

    def _keys(self, call: Call, selector: Selector) -> set[bytes]:
        found = call.send_all([("ZRANGE", self._index(index), 0, -1) for index in selector.indexes])
        return set(selector.keys).union(*found)

    def _all_keys(self) -> Iterator[bytes]:
        """Return the keys of all rows, each once. Each page has a deadline of its own."""
        seen: set[bytes] = set()
        cursor: Any = 0
        while True:
            cursor, found = self._calls.begin().send("ZSCAN", self._all, cursor, "COUNT", _AT_A_TIME)
            keys = set(found[::2] if _is_flat(found) else (key for key, _ in found)) - seen
            seen |= keys
            yield from keys
            if not _text(cursor):
                return


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _AT_A_TIME)):
        yield batch


def _is_flat(found: list[Any]) -> bool:
    return bool(found) and isinstance(found[0], bytes)


def _text(cursor: Any) -> bytes:
    """Return a cursor of Redis as `Page.next`, which is empty at the end."""
    text = cursor if isinstance(cursor, bytes) else str(cursor).encode()
    return b"" if text == b"0" else text


def _milliseconds(seconds: float) -> int:
    return max(int(min(seconds, MAX_LEASE_SECONDS) * 1000), 1)


def _policies(client: Client) -> set[str]:
    """Return the `maxmemory-policy` of every master; nothing if the user of the URL may not ask for it."""
    nodes = client.get_primaries() if hasattr(client, "get_primaries") else [None]
    try:
        found = [client.info("memory", **({"target_nodes": node} if node else {})) for node in nodes]
    except redis.exceptions.NoPermissionError:
        log.warning(
            "the user in session_store may not ask for INFO: whether Redis evicts sessions is not checked"
        )
        return set()
    return {str(each.get("maxmemory_policy", "noeviction")) for each in found}
