"""Opens the Unix socket of ``oidc-gate serve``.

The socket has its permissions from the beginning. It replaces only a socket on which no process listens. At the end it
is removed, unless another process has replaced it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from ..store.directory_lock import locked
from .common import CommandError

DEFAULT_MODE = 0o660
MAX_PATH_BYTES = 107  # sun_path of Linux has 108 with the zero at its end
BACKLOG = 2048  # uvicorn's
_LOCK_SECONDS = 10.0


def mode(text: str) -> int:
    """Return the permissions in the text of an argument, which is an octal number."""
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a mode: write 660, or 600, or 666 for every user")
    number = int(text, 8)
    if number & 0o600 != 0o600:
        raise argparse.ArgumentTypeError(f"{text!r} locks out the user of the server: write 600 or more")
    return number


def check_path(path: Path) -> None:
    """Check that a socket can be created at `path`, as far as this is possible without creating it.

    Raises:
        CommandError: It cannot be created, or a process listens there.
    """
    directory = path.parent
    if not directory.is_dir():
        raise CommandError(f"--uds {path}: there is no directory {directory}; create it first")
    if len(os.fsencode(_temporary(path))) > MAX_PATH_BYTES:
        raise CommandError(
            f"--uds {path}: the path of a socket has {MAX_PATH_BYTES - 9} bytes at most; shorten it"
        )
    if os.path.lexists(path) and not path.is_socket():
        raise CommandError(f"--uds {path}: this is a file and not a socket; choose another path")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CommandError(f"--uds {path}: this user may not create a file in {directory}")
    _refuse_live(path)


@contextlib.contextmanager
def unix_listener(path: Path, permissions: int) -> Iterator[socket.socket]:
    """Listen at `path` in the block. An old socket there is replaced if no process listens on it.

    Args:
        path: The path of the socket.
        permissions: Its permissions.

    Raises:
        CommandError: It cannot be created, or a process listens there.
    """
    check_path(path)
    with socket.socket(socket.AF_UNIX) as listener:
        with _locked(path.parent):
            _refuse_live(path)
            _bind(listener, path, permissions)
        owner, made = os.getpid(), os.stat(path)
        try:
            yield listener
        finally:
            if os.getpid() == owner:
                _remove(path, made)


def remove_stale(path: Path) -> None:
    """Remove a socket on which no process listens, for a server that creates the socket itself.

    Raises:
        CommandError: A process listens there.
    """
    with _locked(path.parent):
        _refuse_live(path)
        path.unlink(missing_ok=True)


def _bind(listener: socket.socket, path: Path, permissions: int) -> None:
    """Bind to a temporary path and rename it, so that there is always a socket at `path` on which a process listens."""
    temporary = _temporary(path)
    before = os.umask(0o777 & ~permissions)  # chmod afterwards would be too late
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        listener.bind(str(temporary))
    except OSError as error:
        raise CommandError(f"--uds {path}: cannot listen there: {error.strerror}") from None
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    temporary.rename(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid() % 10**8}")


def _refuse_live(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except BlockingIOError:
            pass  # a process listens, and its queue is full
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
                return
            raise CommandError(f"--uds {path}: cannot tell who listens there: {error.strerror}") from None
    raise CommandError(f"--uds {path}: another process listens there; end it, or choose another path")


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Prevent other servers from creating a socket in `directory` at the same time."""
    try:
        with locked(directory, time.monotonic() + _LOCK_SECONDS):
            yield
    except TimeoutError:
        raise CommandError(f"{directory} is locked by another process; end it") from None


def _remove(path: Path, made: os.stat_result) -> None:
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) == (made.st_dev, made.st_ino):
            path.unlink()
