"""The lock of a directory: who holds it, for how long another waits, and what it leaves."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from oidc_gate.store import directory_lock
from oidc_gate.store.directory_lock import locked


def is_locked(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_it_is_held_for_the_length_of_a_block(tmp_path: Path) -> None:
    with locked(tmp_path, 0):
        assert is_locked(tmp_path), "a lock that is free is taken although the deadline is over"
    assert not is_locked(tmp_path)
    with pytest.raises(ZeroDivisionError), locked(tmp_path, 0):
        raise ZeroDivisionError
    assert not is_locked(tmp_path)


def test_how_long_it_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [64.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += 1

    monkeypatch.setattr(directory_lock, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with locked(tmp_path, 0), pytest.raises(TimeoutError) as caught, locked(tmp_path, 66):
        pass
    assert (caught.value.errno, caught.value.strerror) == (
        errno.ETIMEDOUT,
        f"another process has locked {tmp_path}",
    )
    assert caught.value.__suppress_context__
    assert slept == [0.005] * 3, "it asks once more at the deadline"


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path, kind in ((tmp_path / "nothing", FileNotFoundError), (file, NotADirectoryError)):
        with pytest.raises(kind), locked(path, 0):
            pass
