"""How things are measured: contestants take turns, every turn is kept, and the middle one counts.

The turns go A B C A B C, so that whatever else happens on the machine happens to all of them. A ratio is made
within one turn, where both were measured seconds apart; what is told is the median of these ratios, and the spread
between the least and the greatest. Every contestant is warmed up before its first turn.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Args:
        ours, theirs: The median of the turns, in `unit`; None where nobody was there to compare with.
        ratio: How many times better ours is, whatever the unit: above 1 is better.
        against: Who theirs is.
        runs: How many turns.
        spread: The greatest ratio less the least, by the median; without a ratio, of the values.
    """

    name: str
    ours: float | None
    theirs: float | None
    unit: str
    ratio: float | None
    against: str
    runs: int
    spread: float

    def as_json(self) -> dict[str, Any]:
        """Return what stands in results.json, numbers to four digits."""
        return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(self).items()}


def take_turns(contestants: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Return what each contestant measured in each turn."""
    turns: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, measure in contestants.items():
            turns[name].append(measure())
    return turns


def compare(
    name: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    against: str,
    *,
    more_is_better: bool,
) -> Result:
    """Return the comparison of two contestants that took the same turns."""
    pairs = zip(ours, theirs, strict=True)
    ratios = [(mine / other if more_is_better else other / mine) for mine, other in pairs if mine and other]
    ratio = statistics.median(ratios) if ratios else None
    return Result(name, _median(ours), _median(theirs), unit, ratio, against, len(ours), spread_of(ratios))


def alone(name: str, unit: str, values: Sequence[float], against: str = "") -> Result:
    """Return a value that is told for itself."""
    return Result(name, _median(values), None, unit, None, against, len(values), spread_of(values))


def spread_of(values: Sequence[float]) -> float:
    """Return how far the values are apart, by their median."""
    middle = _median(values)
    return (max(values) - min(values)) / abs(middle) if values and middle else 0.0


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values)) if values else 0.0


def microseconds(call: Callable[[], object], *, seconds: float = 0.15, blocks: int = 7) -> float:
    """Return the processor time of one call: the best of several blocks, since noise only ever adds.

    Processor time of this thread and not the clock on the wall: the machine may be busy with something else.
    """
    count = 1
    while (took := _block(call, count)) < 1e9 * seconds / blocks / 4:
        count *= 4
    count = max(1, int(count * 1e9 * seconds / blocks / max(took, 1)))
    return min(_block(call, count) for _ in range(blocks)) / count / 1e3


def _block(call: Callable[[], object], count: int) -> int:
    turns = range(count)
    start = time.thread_time_ns()
    for _ in turns:
        call()
    return time.thread_time_ns() - start


def cpu_seconds(leader: int) -> float:
    """Return the processor time that the session of `leader`, with all of its processes, has used so far."""
    own = _processes_of(leader) if leader else []  # session 0 is the kernel's
    return sum(int(fields[11]) + int(fields[12]) for fields in own) / TICKS_A_SECOND


def memory(leader: int) -> dict[str, int]:
    """Return the bytes of memory of a session's processes: resident, proportional (PSS) and private."""
    kinds = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for pid in pids_of(leader):
        for name, size in smaps(pid).items():
            if name in kinds:
                kinds[name] += size
    return kinds


def smaps(pid: int) -> dict[str, int]:
    """Return smaps_rollup of a process, in bytes."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {}
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1] == "kB"}


def pids_of(leader: int) -> list[int]:
    """Return the processes of the session that `leader` leads."""
    return [int(fields[-1]) for fields in _processes_of(leader)]


def _processes_of(leader: int) -> list[list[str]]:
    """Return the fields of /proc/PID/stat after the command's name, and the pid, of a session's processes."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append([*fields, entry])
    return found


def say(text: str) -> None:
    """Tell a person what is going on."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stderr.flush()
