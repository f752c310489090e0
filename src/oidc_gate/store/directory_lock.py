"""A lock between processes that create files in one directory."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_SECONDS = 0.005


@contextmanager
def locked(directory: Path, deadline: float) -> Iterator[None]:
    """Hold the lock of a directory for the length of a block.

    The lock is a flock(2) on the directory. It needs no file, and does not interfere with the locks of SQLite.

    Args:
        directory: The directory to lock.
        deadline: The time by `time.monotonic` until which to wait.

    Raises:
        TimeoutError: Another process holds it for too long.
        OSError: There is no such directory.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, f"another process has locked {directory}") from None
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)
