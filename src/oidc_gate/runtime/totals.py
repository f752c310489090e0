"""The counts of all processes of a service, through a directory that they share.

Each process writes its counts into a file of its own, every second if they have changed. It holds a lock on another
file as long as it runs. The process that answers a request for the metrics adds up all files. If it can take the lock
of a file, the process of that file has ended. Its counts are then added to those of earlier processes that have ended,
so that counters never decrease, and the file is removed. Locks are used because containers reuse process IDs.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .metrics import Counts, Metrics, add_up

log = logging.getLogger("oidc_gate")

WRITE_SECONDS = 1.0
MAX_FILE_BYTES = 1 << 20  # a process with 2,000 keys writes less than 200 kB
MAX_COUNT = 2**53  # the float of a larger number may be another number
_ENDED = "ended.json"
_DIRECTORY_LOCK = "lock"


class UnsafeDirectory(Exception):
    """The directory cannot be used, or other users could write into it."""


def prepare_directory(path: str) -> Path:
    """Return the directory. If it does not exist, create it for its owner alone.

    Raises:
        UnsafeDirectory: It is not a directory, belongs to another user, or others can write into it.
    """
    directory = Path(path)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise UnsafeDirectory(f"{error.strerror}") from None
    if status.st_uid != os.geteuid():
        raise UnsafeDirectory("it belongs to another user")
    if status.st_mode & 0o022:
        raise UnsafeDirectory("other users can write into it")
    return directory


class Totals:
    """The counts of this process, and of all others that share `directory`.

    Args:
        directory: From `prepare_directory`; None if this process counts alone.
    """

    def __init__(self, metrics: Metrics, directory: Path | None) -> None:
        self._metrics, self._directory = metrics, directory
        self._own: _OwnFile | None = None
        _living.add(self)

    def start(self) -> None:
        """Write the counts of this process from now on. Call it again after a fork."""
        if self._directory is None or self._own is not None:
            return
        try:
            self._own = _OwnFile(self._directory, self._metrics)
        except OSError as error:
            log.error("metrics_directory cannot be written: %s", error)

    def read(self) -> Counts:
        """Return the sum of the counts and of the gauges of all processes."""
        mine = add_up((self._metrics.counts(), self._metrics.gauges()))
        if self._directory is None:
            return mine | {("processes",): 1}
        own = None if self._own is None else self._own.name
        try:
            others = list(_read_others(self._directory, own))
        except OSError as error:
            log.error("metrics_directory cannot be read: %s", error)
            others = []
        return add_up((mine, {("processes",): 1}, *others))

    def forked(self) -> None:
        """Forget the file of the parent. The descriptor of its lock is closed, which does not release the lock."""
        own, self._own = self._own, None
        if own is not None:
            own.abandon()


class _OwnFile:
    """The file of this process. A thread writes it as long as the process lives."""

    def __init__(self, directory: Path, metrics: Metrics) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._metrics, self._path = metrics, directory / f"{self.name}.json"
        self._written: Counts | None = None
        with _locked(directory):  # or another process could take the lock first
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._lock = os.open(directory / f"{self.name}.lock", flags, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write()
        self._stop = threading.Event()
        thread = threading.Thread(target=self._write_on, name="oidc_gate metrics", daemon=True)
        thread.start()

    def abandon(self) -> None:
        """Close the lock in a child process, in which the thread does not run."""
        os.close(self._lock)

    def _write_on(self) -> None:
        while not self._stop.wait(WRITE_SECONDS):
            try:
                self._write()
            except OSError as error:
                log.error("metrics_directory cannot be written: %s", error)
                return

    def _write(self) -> None:
        counts, gauges = self._metrics.counts(), self._metrics.gauges()
        found = add_up((counts, gauges))
        if found != self._written:
            _replace(self._path, {"counts": _rows(counts), "gauges": _rows(gauges)})
            self._written = found


def _read_others(directory: Path, own: str | None) -> Iterator[Counts]:
    """Yield the counts of the other processes, and of those that have ended."""
    with _locked(directory, waits=False) as has_lock:
        for lock in sorted(directory.glob("*-*.lock")):
            if lock.stem == own:
                continue
            path = lock.with_suffix(".json")
            content = _load(path)
            counts, gauges = _counts(content.get("counts")), _counts(content.get("gauges"))
            if not _has_ended(lock):
                yield add_up((counts, gauges, {("processes",): 1}))
            elif has_lock:
                ended = _counts(_load(directory / _ENDED).get("counts"))
                _replace(directory / _ENDED, {"counts": _rows(add_up((ended, counts)))})
                path.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
            else:
                yield counts
        yield _counts(_load(directory / _ENDED).get("counts"))


def _has_ended(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _locked(directory: Path, *, waits: bool = True) -> Iterator[bool]:
    """Hold the lock of the directory; the value is False if it is held by another process and `waits` is False."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(directory / _DIRECTORY_LOCK, flags, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _replace(path: Path, content: object) -> None:
    """Write `path` in one step, so that no process reads half of it."""
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, separators=(",", ":"))
    part.replace(path)


def _load(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MAX_FILE_BYTES))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _rows(counts: Counts) -> list[list[object]]:
    return [[*key, value] for key, value in counts.items()]


def _counts(rows: object) -> Counts:
    """Return what `_rows` wrote. Rows that it never writes are skipped, or one damaged file would hide all others."""
    found: Counts = {}
    for row in rows if isinstance(rows, list) else ():
        if _is_row(row):
            *key, value = row
            found[tuple(key)] = float(value)
    return found


def _is_row(row: object) -> bool:
    """Return whether `row` is a key of printable texts, and a count."""
    if not isinstance(row, list) or len(row) < 2 or type(row[-1]) not in (int, float):
        return False
    is_key = all(isinstance(part, str) and part.isprintable() for part in row[:-1])
    return is_key and 0 <= row[-1] <= MAX_COUNT


_living: weakref.WeakSet[Totals] = weakref.WeakSet()


def _forked() -> None:
    for totals in list(_living):
        totals.forked()


os.register_at_fork(after_in_child=_forked)
