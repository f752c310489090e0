"""A small Redis in a thread of the test: what the store needs of it, over a socket on loopback.

Lua is not run: each script of `oidc_gate.store.redis.scripts` has its equivalent here. `tests/real/stores` holds the
same tests against real servers, which run the scripts themselves.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from oidc_gate.store.redis import scripts

Words = list[bytes]


class Refused(Exception):
    """An error that Redis answers with, such as ``OOM command not allowed``."""


class FakeRedis:
    """A server. `close` ends it.

    Attributes:
        data: Values by key: bytes, a dict of a hash or a sorted set, or a dict of the entries of a stream by ID.
        lasts: How long each key lasts from now on, in seconds, as it was last set.
        commands: Every command that came, the newest last; without those of a new connection.
        connections: How many have been opened.
        before: Called with each command before it is performed. It may raise `Refused`, or `ConnectionError` to break
            the connection.
        after: The same, after it was performed and before it is answered.
    """

    def __init__(self) -> None:
        self.data: dict[bytes, Any] = {}
        self.lasts: dict[bytes, float] = {}
        self.commands: list[Words] = []
        self.connections = 0
        self.before: Callable[[Words], object] = lambda words: None
        self.after: Callable[[Words], object] = lambda words: None
        self.confirmed, self.policy = 1, b"noeviction"
        self.handshakes: list[Words] = []
        self._ends_at: dict[bytes, float] = {}
        self._entries = 0
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and break all connections."""
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def flush(self) -> None:
        """Forget everything."""
        with self._changed:
            self.data.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, suppress(OSError, ValueError):
            while line := lines.readline():
                words = [lines.read(int(lines.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))]
                client.sendall(_encoded(self._answer(words)))

    def _answer(self, words: Words) -> Any:
        if words[0] in (b"CLIENT", b"SELECT", b"AUTH", b"PING", b"CLUSTER", b"COMMAND", b"SENTINEL"):
            self.handshakes.append(words)
            return self._handshake(words)
        try:
            self.before(words)
            self.commands.append(words)
            with self._changed:
                found = self._perform(words)
                self._changed.notify_all()
            self.after(words)
        except Refused as error:
            return error
        return found

    def _handshake(self, words: Words) -> Any:
        if words[:2] == [b"CLUSTER", b"SLOTS"]:
            return [[0, 16_383, [b"127.0.0.1", self.port, b"node"]]]
        if words[0] == b"SENTINEL":
            master = {"name": "main", "ip": "127.0.0.1", "port": self.port, "flags": "master"}
            more = {"num-other-sentinels": 0, "num-slaves": 0, "quorum": 1}
            return [[str(part).encode() for pair in (master | more).items() for part in pair]]
        if words[:2] == [b"COMMAND", b"GETKEYS"]:
            return [words[-2]]  # of XREAD, the only command that is asked about
        if words[0] == b"COMMAND":
            one = (b"hmget", b"zrange", b"zrem", b"zscan", b"del", b"exists", b"get", b"xrange")
            return [[name, -2, [], 1, 1, 1] for name in one] + [
                [name, -4, [b"movablekeys"], 0, 0, 0] for name in (b"xread", b"eval")
            ]
        return "OK"

    def _perform(self, words: Words) -> Any:
        now = time.monotonic()
        for key in [key for key, end in self._ends_at.items() if end <= now]:
            self.data.pop(key, None)
            del self._ends_at[key]
        name, rest = words[0], words[1:]
        if name == b"EVAL":
            number = int(rest[1])
            return self._script(rest[0].decode())(rest[2 : 2 + number], rest[2 + number :])
        performs: Callable[[Words], Any] = getattr(self, f"_{name.decode().lower()}")
        return performs(rest)

    def _script(self, text: str) -> Callable[[Words, Words], Any]:
        names = ("PUT", "TOUCH", "DROP", "INDEX", "ANNOUNCE", "BORN", "ADD", "LEASE", "RENEW", "RELEASE")
        (name,) = (name for name in names if getattr(scripts, name) == text)
        found: Callable[[Words, Words], Any] = getattr(self, f"_run_{name.lower()}")
        return found

    def _expire(self, key: bytes, seconds: float) -> None:
        self.lasts[key] = seconds
        self._ends_at[key] = time.monotonic() + seconds

    # --- commands -------------------------------------------------------------------------------------

    def _hmget(self, rest: Words) -> Any:
        return [self.data.get(rest[0], {}).get(field) for field in rest[1:]]

    def _get(self, rest: Words) -> Any:
        return self.data.get(rest[0])

    def _exists(self, rest: Words) -> int:
        return int(rest[0] in self.data)

    def _del(self, rest: Words) -> int:
        return int(self.data.pop(rest[0], None) is not None)

    def _zrange(self, rest: Words) -> Any:
        assert rest[1:] == [b"0", b"-1"]
        return sorted(self.data.get(rest[0], {}))

    def _zrem(self, rest: Words) -> int:
        return int(self.data.get(rest[0], {}).pop(rest[1], None) is not None)

    def _zscan(self, rest: Words) -> Any:
        assert rest[2] == b"COUNT"
        found, start, end = (
            sorted(self.data.get(rest[0], {}).items()),
            int(rest[1]),
            int(rest[1]) + int(rest[3]),
        )
        flat = [part for key, score in found[start:end] for part in (key, str(score).encode())]
        return [b"0" if end >= len(found) else str(end).encode(), flat]

    def _info(self, rest: Words) -> bytes:
        assert rest == [b"memory"]
        return b"# Memory\r\nmaxmemory_policy:" + self.policy + b"\r\n"

    def _wait(self, rest: Words) -> int:
        return min(self.confirmed, int(rest[0]))

    def _xrange(self, rest: Words) -> Any:
        key, first, last, *count = rest
        found = self._entries_from(key, lambda entry: first <= entry and (last == b"+" or entry <= last))
        return found[: int(count[1])] if count else found

    def _xread(self, rest: Words) -> Any:
        assert [rest[0], rest[2], rest[4]] == [b"COUNT", b"BLOCK", b"STREAMS"]
        deadline = time.monotonic() + int(rest[3]) / 1000
        while not (found := self._entries_from(rest[5], lambda entry: entry > rest[6])[: int(rest[1])]):
            if not self._changed.wait(deadline - time.monotonic()):
                return None
        return [[rest[5], found]]

    def _entries_from(self, key: bytes, is_wanted: Callable[[bytes], bool]) -> list[Any]:
        stream = self.data.get(key, {})
        return [[entry, fields] for entry, fields in sorted(stream.items()) if is_wanted(entry)]

    def _append(self, key: bytes, *fields: bytes) -> bytes:
        self._entries += 1
        entry = b"%d-0" % (1_700_000_000_000 + self._entries)
        pairs = zip((b"k", b"t", b"a", b"u"), fields, strict=True)
        self.data.setdefault(key, {})[entry] = [part for pair in pairs for part in pair]
        return entry

    # --- scripts --------------------------------------------------------------------------------------

    def _run_put(self, keys: Words, values: Words) -> int:
        row = self.data.get(keys[0], {})
        if row.get(b"v", b"0") != values[0]:
            return int((row.get(b"v"), row.get(b"b")) == (values[1], values[7]))
        leaves = max(int(values[3]), int(row.get(b"l", 0)))
        seen = max(int(values[4]), int(row.get(b"s", 0)))
        moved = (values[1], values[2], b"%d" % leaves, b"%d" % seen, *values[5:8])
        self.data[keys[0]] = dict(zip((b"v", b"e", b"l", b"s", b"i", b"n", b"b"), moved, strict=True))
        self._expire(keys[0], max(leaves - int(values[8]), 1))
        return 1

    def _run_touch(self, keys: Words, values: Words) -> int:
        row = self.data.get(keys[0])
        if row is None or min(int(row[b"e"]), int(row[b"l"])) <= int(values[2]):
            return 0
        row[b"s"] = b"%d" % max(int(row[b"s"]), int(values[0]))
        row[b"l"] = b"%d" % max(int(row[b"l"]), int(values[1]))
        self._expire(keys[0], max(int(row[b"l"]) - int(values[3]), 1))
        return 1

    def _run_drop(self, keys: Words, values: Words) -> Any:
        row = self.data.pop(keys[0], {})
        return [row.get(field) for field in (b"e", b"l", b"i")]

    def _run_index(self, keys: Words, values: Words) -> int:
        index = self.data.setdefault(keys[0], {})
        index[values[1]] = int(values[0])
        for member in [member for member, score in index.items() if score <= int(values[2])]:
            del index[member]
        self._expire(keys[0], max(self.lasts.get(keys[0], 0), int(values[0]) - int(values[2]), 1))
        return 1

    def _run_announce(self, keys: Words, values: Words) -> Any:
        return [self._append(keys[0], *values[at : at + 4]) for at in range(1, len(values), 4)]

    def _run_born(self, keys: Words, values: Words) -> Any:
        if keys[0] not in self.data:
            self.data[keys[0]] = values[0]
            self._append(keys[1], b"", b"", b"", b"")
        stream = self.data.get(keys[1], {})
        return [self.data[keys[0]], int(values[1] in stream), max(stream, default=b"0-0")]

    def _run_add(self, keys: Words, values: Words) -> int:
        name, until, now, token, since, most, added = values
        kept, order = (self.data.setdefault(key, {}) for key in keys)
        at, was, by = kept.get(name, b"0 0 -").split(b" ")
        is_new = int(was) <= int(now)
        by = token if is_new else by
        if int(until) > int(now):
            end = max(int(until), int(was))
            kept[name], order[name] = b"%d %d %s" % (max(int(at), int(added)), end, by), end
            for key in keys:
                self._expire(key, max(self.lasts.get(key, 0), end - int(since), 1))
        over = [each for each, end in order.items() if end <= int(since)]
        surplus = max(len(order) - len(over) - int(most), 0)
        for each in (over + sorted(order, key=lambda each: order[each]))[: len(over) + surplus]:
            del kept[each], order[each]
        return int(is_new or by == token)

    def _run_lease(self, keys: Words, values: Words) -> int:
        if keys[0] not in self.data:
            self.data[keys[0]] = values[0]
            self._expire(keys[0], int(values[1]) / 1000)
        return int(self.data[keys[0]] == values[0])

    def _run_renew(self, keys: Words, values: Words) -> int:
        if self.data.get(keys[0]) != values[0]:
            return 0
        self._expire(keys[0], int(values[1]) / 1000)
        return 1

    def _run_release(self, keys: Words, values: Words) -> int:
        if self.data.get(keys[0]) == values[0]:
            del self.data[keys[0]]
        return 1


def _encoded(answer: Any) -> bytes:
    match answer:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % answer
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(answer), answer)
        case str():
            return b"+%s\r\n" % answer.encode()
        case list():
            return b"*%d\r\n" % len(answer) + b"".join(map(_encoded, answer))
    return b"-%s\r\n" % str(answer).encode()
