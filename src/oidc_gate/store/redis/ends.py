"""The log of ends in Redis: a stream that every process reads, and its repair after Redis has lost a part of it.

If Redis fails over to a replica, or restarts from its last snapshot, it may have lost the newest ends: the rows of
those sessions exist again, and the entries of the log do not. A process that has read those entries notices that the
last entry that it read is missing, and ends those sessions again.
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
MAX_RECENT = 5_000
REPLICA_MILLISECONDS = 100
_PAGE = 1_000


class End(NamedTuple):
    """One entry of the log.

    Attributes:
        key: The key of a row, or the name of an expiring key; empty if every session was ended.
        kind: The kind of the expiring key; empty for a row.
        at: When the expiring key was added, in epoch seconds.
        until: The epoch second until which the expiring key is kept.
    """

    key: bytes
    kind: str = ""
    at: int = 0
    until: int = 0


EndAgain = Callable[[Sequence[End]], None]


class EndLog:
    """Writes and reads the log. It is safe under threads.

    Args:
        name: The namespace of the two keys of the log, which share a hash slot.
        clock: Returns epoch seconds.
        end_again: Ends sessions whose ends Redis has lost.
        replicas: The number of replicas to wait for after writing, for a tenth of a second at most.
    """

    def __init__(self, name: str, clock: Callable[[], float], end_again: EndAgain, replicas: int) -> None:
        self._birth, self._log = f"{name}:{{ends}}:birth", f"{name}:{{ends}}:log"
        self._clock, self._end_again, self._replicas = clock, end_again, replicas
        # The newest ends, with the IDs of their entries. Appending to a deque is atomic, so there is no lock, which
        # would stay locked in a child if another thread held it at a fork.
        self._recent: deque[tuple[bytes, End]] = deque(maxlen=MAX_RECENT)

    def announce(self, call: Call, ends: Sequence[End]) -> None:
        """Add entries to the log."""
        values: list[Any] = []
        for end in ends:
            values += [end.key, end.kind, end.at or "", end.until or ""]
        commands: list[Command] = [("EVAL", scripts.ANNOUNCE, 1, self._log, MAX_ENDS, *values)]
        if self._replicas:
            commands.append(("WAIT", self._replicas, REPLICA_MILLISECONDS))
        ids, *reached = call.send_all(commands)
        if reached and reached[0] < self._replicas:
            log.warning(
                "only %d of %d replicas confirmed in time that sessions were ended",
                reached[0],
                self._replicas,
            )
        self._recent.extend(zip(ids, ends, strict=True))

    def born(self, call: Call, now: int) -> int:
        """Return the epoch second since when Redis has its data. It is now if Redis is empty."""
        return _born_at(self._status(call, now, b"")[0])

    @property
    def birth(self) -> str:
        """Return the Redis key of the time since when Redis has its data, together with a random token."""
        return self._birth

    def ask(self, calls: Calls, position: bytes | None, wait_seconds: float) -> Announced:
        """Return the ends after `position`, after waiting for the first of them; see `oidc_gate.store.polling.Poll`."""
        call = calls.begin()
        birth, _, entry = (position or b"").partition(b"|")
        born, is_there, newest = self._status(call, int(self._clock()), entry)
        if position is None:
            return Announced(born + b"|" + newest)
        if not (is_there or entry == newest):
            if born == birth:  # otherwise Redis has lost all sessions, and there is nothing to end again
                self._repair(call)
            return Announced(born + b"|" + newest, None)
        milliseconds = max(int(wait_seconds * 1000), 1)
        found = call.send("XREAD", "COUNT", _PAGE, "BLOCK", milliseconds, "STREAMS", self._log, entry)
        entries = _entries(found)
        if not entries:
            return Announced(position)
        self._recent.extend(entries.items())
        keys = tuple(end.key for end in entries.values())
        return Announced(birth + b"|" + next(reversed(entries)), None if b"" in keys else keys)

    def _status(self, call: Call, now: int, entry: bytes) -> tuple[bytes, bool, bytes]:
        ours = f"{now}.{os.urandom(12).hex()}"
        born, is_there, newest = call.send("EVAL", scripts.BORN, 2, self._birth, self._log, ours, entry)
        return born, bool(is_there), newest

    def _repair(self, call: Call) -> None:
        """End the sessions again whose ends this process has read before, and the log does not contain any more."""
        known = dict(self._recent.copy())
        if not known:
            return
        (oldest, *_) = sorted(known, key=_order)
        kept = {entry for entry, _ in call.send("XRANGE", self._log, oldest, "+", "COUNT", 2 * MAX_RECENT)}
        lost = {entry: end for entry, end in known.items() if entry not in kept and end.key}
        if lost:
            log.warning("Redis lost the ends of %d sessions; they are ended again", len(lost))
        self._end_again(list(lost.values()))
        self._recent = deque(((e, end) for e, end in known.items() if e not in lost), MAX_RECENT)


def _order(entry: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number)


def _born_at(birth: bytes) -> int:
    return int(birth.partition(b".")[0])


def _entries(found: Any) -> dict[bytes, End]:
    """Return the entries of a reply to XREAD by their IDs, in order."""
    entries = {}
    for _, stream in found or ():
        for entry, fields in stream:
            values = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
            entries[entry] = End(
                values[b"k"], values[b"t"].decode(), int(values[b"a"] or 0), int(values[b"u"] or 0)
            )
    return entries
