"""The log of ends in Redis: a stream that every process reads, and what is done when Redis lost some of it.

A server that fails over to a replica, or restarts from what it last wrote to its disk, may have lost the newest ends:
the rows are there again, and the entries are gone. Every process that had read them notices that the entry at which
it stands is gone, and ends those sessions again.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..polling import Announced
from . import scripts
from .calls import Call, Calls, Command

log = logging.getLogger("oidc_gate.store")

MAX_ENDS = 100_000
MAX_REMEMBERED = 5_000
REPLICA_MILLISECONDS = 100
_PAGE = 1_000


class End(NamedTuple):
    """One entry of the log.

    Attributes:
        key: Of a row, or the name of an expiring key; empty if everything was ended.
        kind: Of the expiring key; empty for a row.
        at: When the expiring key was added.
        until: Until when it is kept.
    """

    key: bytes
    kind: str = ""
    at: int = 0
    until: int = 0


Again = Callable[[Sequence[End]], None]


class EndLog:
    """Writes and reads the log. Safe under threads.

    Args:
        name: Of the two keys, which share a hash slot.
        clock: Epoch seconds.
        again: Ends sessions once more.
        replicas: How many replicas to wait for after writing, for a tenth of a second.
    """

    def __init__(self, name: str, clock: Callable[[], float], again: Again, replicas: int) -> None:
        self._birth, self._log = f"{name}:{{ends}}:birth", f"{name}:{{ends}}:log"
        self._clock, self._again, self._replicas = clock, again, replicas
        # With the ids of their entries. No lock, which a fork could leave locked: a deque appends in one step.
        self._remembered: deque[tuple[bytes, End]] = deque(maxlen=MAX_REMEMBERED)

    def announce(self, call: Call, ends: Sequence[End]) -> None:
        """Add entries."""
        values: list[Any] = []
        for end in ends:
            values += [end.key, end.kind, end.at or "", end.until or ""]
        commands: list[Command] = [("EVAL", scripts.ANNOUNCE, 1, self._log, MAX_ENDS, *values)]
        if self._replicas:
            commands.append(("WAIT", self._replicas, REPLICA_MILLISECONDS))
        ids, *reached = call.send_all(commands)
        if reached and reached[0] < self._replicas:
            log.warning(
                "only %d of %d replicas know in time that sessions were ended", reached[0], self._replicas
            )
        self._remembered.extend(zip(ids, ends, strict=True))

    def born(self, call: Call, now: int) -> int:
        """Return since when the store knows things."""
        return _born_at(self._status(call, now, b"")[0])

    @property
    def birth(self) -> str:
        """The key that holds since when the store knows things, and a random token."""
        return self._birth

    def ask(self, calls: Calls, position: bytes | None, wait_seconds: float) -> Announced:
        """Return the ends after `position`; wait for them."""
        call = calls.begin()
        birth, _, entry = (position or b"").partition(b"|")
        born, is_there, newest = self._status(call, int(self._clock()), entry)
        if position is None:
            return Announced(born + b"|" + newest)
        if not (is_there or entry == newest):
            if born == birth:  # else everything was forgotten, and there is nothing to end again
                self._repair(call)
            return Announced(born + b"|" + newest, None)
        milliseconds = max(int(wait_seconds * 1000), 1)
        found = call.send("XREAD", "COUNT", _PAGE, "BLOCK", milliseconds, "STREAMS", self._log, entry)
        entries = _entries(found)
        if not entries:
            return Announced(position)
        self._remembered.extend(entries.items())
        keys = tuple(end.key for end in entries.values())
        return Announced(birth + b"|" + next(reversed(entries)), None if b"" in keys else keys)

    def _status(self, call: Call, now: int, entry: bytes) -> tuple[bytes, bool, bytes]:
        ours = f"{now}.{os.urandom(12).hex()}"
        born, is_there, newest = call.send("EVAL", scripts.BORN, 2, self._birth, self._log, ours, entry)
        return born, bool(is_there), newest

    def _repair(self, call: Call) -> None:
        """End again what this process knows to have ended and the log does not."""
        known = dict(self._remembered.copy())
        if not known:
            return
        (oldest, *_) = sorted(known, key=_order)
        kept = {
            entry for entry, _ in call.send("XRANGE", self._log, oldest, "+", "COUNT", 2 * MAX_REMEMBERED)
        }
        lost = {entry: end for entry, end in known.items() if entry not in kept and end.key}
        if lost:
            log.warning("Redis lost that %d sessions were ended: they are ended again", len(lost))
        self._again(list(lost.values()))
        self._remembered = deque(((e, end) for e, end in known.items() if e not in lost), MAX_REMEMBERED)


def _order(entry: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number)


def _born_at(birth: bytes) -> int:
    return int(birth.partition(b".")[0])


def _entries(found: Any) -> dict[bytes, End]:
    """Return the entries of one stream, by their ids, in their order."""
    entries = {}
    for _, stream in found or ():
        for entry, fields in stream:
            values = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
            entries[entry] = End(
                values[b"k"], values[b"t"].decode(), int(values[b"a"] or 0), int(values[b"u"] or 0)
            )
    return entries
