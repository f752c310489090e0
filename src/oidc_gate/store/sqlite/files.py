"""The files of an SQLite store: where they may be, who may read them, and the stamp that changes when sessions end.

No file of SQLite itself is opened here, because closing it would release the locks that SQLite holds on it in this
process (https://www.sqlite.org/howtocorrupt.html §2.2). They are examined by name only.
"""

from __future__ import annotations

import logging
import mmap
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from ..base import StoreURLError, unavailable

log = logging.getLogger("oidc_gate.store")

STAMP_BYTES = 8
OWNER_ONLY = 0o600

# Network file systems. Locks and mapped files do not work on them between machines, and often not on one machine either
# (https://www.sqlite.org/faq.html#q5). WSL 2 uses 9p for the disks of Windows.
# fmt: off
NETWORK_FILE_SYSTEMS = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph-fuse", "fuse.glusterfs", "fuse.s3fs",
     "fuse.sshfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
     "pvfs2", "smb3", "smbfs")
)
# fmt: on
_MOUNTS = Path("/proc/self/mountinfo")

Identity = tuple[int, int]
"""Device and inode, which distinguish a file from another one with the same name."""


def validate_place(path: Path, mounts: str | None = None) -> None:
    """Check that a store may be at `path`.

    Args:
        path: An absolute path.
        mounts: The mounted file systems, as in ``/proc/self/mountinfo``; by default those of this system. If there is
            no such file, the kind of the file system is not checked.

    Raises:
        StoreURLError: A store may not be there. The message says why.
    """
    directory = path.parent
    if not directory.is_dir():
        raise StoreURLError(
            f"the directory {directory} does not exist", "create it, owned by the user of the server"
        )
    if directory.stat().st_mode & stat.S_IWOTH:
        raise StoreURLError(
            f"every user of this machine may write to the directory {directory}",
            "choose a directory that only the server's user may write to",
        )
    kind = file_system_of(directory.resolve(), _mounts() if mounts is None else mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreURLError(
            f"{directory} is on a network file system ({kind}), where SQLite's locks are not reliable",
            "choose a local disk, or a redis:// store to share sessions between machines",
        )


def file_system_of(directory: Path, mounts: str) -> str:
    """Return the type of the file system that `directory` is on, or an empty string if it is not known.

    Spec: proc_pid_mountinfo(5): the mount point is the fifth field, the type follows a field that is a hyphen.
    """
    found, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = Path(fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        # A later mount on the same point hides an earlier one.
        if directory.is_relative_to(point) and len(point.parts) >= found:
            found, kind = len(point.parts), after.split(" ")[0]
    return kind


def _mounts() -> str:
    try:
        return _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def identity_of(path: Path) -> Identity | None:
    """Return the identity of the file at `path`, or None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def pin(path: Path) -> tuple[int | None, Identity | None]:
    """Return a descriptor that keeps the inode of `path` from being reused for another file, and the file's identity.

    Unlike any other descriptor, one with ``O_PATH`` releases no locks when it is closed (``filp_close`` in Linux).
    Systems without ``O_PATH`` do not reuse inode numbers so soon (APFS).
    """
    if not hasattr(os, "O_PATH"):
        return None, identity_of(path)
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None, None
    found = os.fstat(descriptor)
    return descriptor, (found.st_dev, found.st_ino)


def ensure_private(path: Path) -> Identity:
    """Make the file at `path` readable for the server's user alone, and return its identity.

    Raises:
        StoreUnavailable: There is none, or it belongs to another user.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise unavailable(f"{path} is not a file of the server's own user")
        if found.st_mode & 0o077:
            log.warning("%s: other users could read it; now only its owner can", path)
            path.chmod(OWNER_ONLY)
    except OSError as error:
        raise unavailable(f"{path}: {error.strerror}") from error
    return found.st_dev, found.st_ino


class Stamp:
    """Eight random bytes in a file that is mapped into memory. They change whenever a session ends.

    The file is replaced and never truncated, because reading a mapped page that no longer exists kills the process
    (SIGBUS). For the same reason its bytes are written and not left as a hole.

    Args:
        path: The path of the file. If it does not exist, or is damaged, it is created. Open it while holding the
            database's lock for writing.
        settle_seconds: How long to wait after creating the file. Other processes may still have mapped one that was
            removed. They notice that within this time, so no session may be ended before.

    Attributes:
        words: The current eight bytes as one number. Reading it takes 10 ns.
        identity: The identity of the file.
    """

    def __init__(self, path: Path, settle_seconds: float) -> None:
        self._path = path
        descriptor = _open_stamp(path)
        if descriptor is None:
            _replace_stamp(path)
            time.sleep(settle_seconds)
            descriptor = _open_stamp(path)
        if descriptor is None:
            raise unavailable(f"{path} cannot be read")
        try:
            found = os.fstat(descriptor)
            self.identity: Identity = (found.st_dev, found.st_ino)
            self.words: Sequence[int] = memoryview(
                mmap.mmap(descriptor, STAMP_BYTES, access=mmap.ACCESS_READ)
            ).cast("Q")
            self._descriptor = descriptor
        except BaseException:
            os.close(descriptor)
            raise

    def change(self) -> None:
        """Write other bytes. `pwrite` raises an error where a write to the mapping would kill the process."""
        try:
            os.pwrite(self._descriptor, os.urandom(STAMP_BYTES), 0)
        except OSError as error:
            raise unavailable(f"{self._path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Close the file. The mapping lives as long as it is referred to."""
        os.close(self._descriptor)


def _open_stamp(path: Path) -> int | None:
    """Return a descriptor of the stamp, or None if there is none that can be used."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unavailable(f"{path}: {error.strerror}") from error
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size >= STAMP_BYTES and found.st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    return None


def _replace_stamp(path: Path) -> None:
    """Put a new stamp at `path`, whatever was there. The caller holds the lock of the database."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWNER_ONLY)
        try:
            os.write(descriptor, os.urandom(STAMP_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(path)
    except OSError as error:
        raise unavailable(f"{path} cannot be written: {error.strerror}") from error
