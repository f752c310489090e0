"""The files of an SQLite store, one function at a time."""

from __future__ import annotations

import logging
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.sqlite import files
from oidc_gate.store.sqlite.files import Stamp, ensure_private, file_system_of, identity_of, pin


def open_files(folder: Path) -> list[str]:
    """Return what this process has open in a folder of a test, whatever other threads open and close elsewhere."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}").removesuffix(" (deleted)"))
    return sorted(target for target in found if target.startswith(f"{folder}/"))


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list open files")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stamp"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("1 2 0:3 / /srv - nfs server:/ rw", "nfs"),
        ("1 2 0:3 / - nfs server:/ rw", ""),
        ("1 2 0:3 / /srv rw - ", ""),
        ("1 2 0:3 / /srv rw - nfs", "nfs"),
        ("1 2 0:3 / /srv/data/x rw - nfs x rw", ""),
        ("1 2 0:3 / /srv\\011x rw - nfs x rw", ""),
    ],
)
def test_the_fields_of_a_mount(line: str, kind: str) -> None:
    assert file_system_of(Path("/srv/data"), line) == kind


def test_escaped_characters_of_a_mount() -> None:
    line = "1 2 0:3 / /a\\040b\\011c\\134d rw - nfs x rw"
    assert file_system_of(Path("/a b\tc\\d/e"), line) == "nfs"


def test_a_system_without_a_list_of_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOUNTS", tmp_path / "nothing")
    assert files._mounts() == ""
    (tmp_path / "nothing").write_bytes(b"a\xff")
    assert files._mounts() == "a\udcff"


def test_the_identity_of_a_file(path: Path) -> None:
    assert identity_of(path) is None
    path.touch()
    found = path.stat()
    assert identity_of(path) == (found.st_dev, found.st_ino)


def test_a_file_keeps_its_inode_while_it_is_pinned(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pin(path) == (None, None)
    path.touch()
    descriptor, identity = pin(path)
    assert identity == identity_of(path)
    assert descriptor is not None
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
    monkeypatch.delattr(os, "O_PATH")
    assert pin(path) == (None, identity)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604, 0o620, 0o610, 0o601])
def test_a_file_is_made_private(path: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        assert ensure_private(path) == identity_of(path)
    was_private = not mode & 0o077
    assert stat.S_IMODE(path.stat().st_mode) == (mode if was_private else 0o600)
    said = ("oidc_gate.store", logging.WARNING, f"{path}: other users could read it; now only its owner can")
    assert caplog.record_tuples == ([] if was_private else [said])


def test_a_file_of_another_user_is_refused_to_any_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(StoreUnavailable) as caught:
        ensure_private(path)
    assert caught.value.detail == f"{path} is not a file of the server's own user"
    path.unlink()
    with pytest.raises(StoreUnavailable) as caught:
        ensure_private(path)
    assert caught.value.detail == f"{path}: No such file or directory"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(files, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


@linux
def test_a_stamp(path: Path, slept: list[float]) -> None:
    umask = os.umask(0)
    try:
        stamp = Stamp(path, 1.5)
    finally:
        os.umask(umask)
    assert slept == [1.5], "others may still have mapped the one before"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["stamp"]
    content = path.read_bytes()
    assert (len(content), stamp.identity) == (8, identity_of(path))
    assert stamp.words[0] == int.from_bytes(content, sys.byteorder)
    again = Stamp(path, 1.5)
    assert slept == [1.5]
    again.change()
    assert path.read_bytes() != content
    assert stamp.words[0] == again.words[0] == int.from_bytes(path.read_bytes(), sys.byteorder)
    again.close()
    stamp.close()
    # a mapping keeps a descriptor of its own
    assert len(open_files(path.parent)) == 2
    del stamp, again
    assert open_files(path.parent) == []


@pytest.mark.parametrize("size", [0, 7, 8, 9])
def test_a_stamp_that_is_too_short_is_replaced(path: Path, slept: list[float], size: int) -> None:
    path.write_bytes(b"x" * size)
    before = identity_of(path)
    Stamp(path, 0).close()
    assert (identity_of(path) == before) is (size >= 8)
    assert slept == ([] if size >= 8 else [0])


def test_a_stamp_of_another_user_cannot_be_trusted(
    path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"x" * 8)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(StoreUnavailable) as caught:
        Stamp(path, 0)
    assert caught.value.detail == f"{path} cannot be read", "its replacement is not ours either"
    assert path.read_bytes() != b"x" * 8
    assert len(slept) == 1


def test_a_stamp_that_is_no_ordinary_file(path: Path, slept: list[float]) -> None:
    other = path.with_name("other")
    other.write_bytes(b"x" * 8)
    path.symlink_to(other)
    with pytest.raises(StoreUnavailable) as caught:
        Stamp(path, 0)
    assert caught.value.detail.startswith(f"{path}: ")
    path.unlink()
    os.mkfifo(path)
    Stamp(path, 0).close()
    assert path.is_file()
    assert slept == [0]


@linux
def test_a_stamp_that_cannot_be_mapped_or_written(
    path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = Stamp(path, 0)

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        with pytest.raises(StoreUnavailable) as caught:
            stamp.change()
    assert caught.value.detail == f"{path} cannot be written: No space left on device"
    stamp.close()
    before = open_files(path.parent)
    monkeypatch.setattr(files, "mmap", SimpleNamespace(mmap=fail, ACCESS_READ=1))
    with pytest.raises(OSError, match="No space"):
        Stamp(path, 0)
    assert open_files(path.parent) == before
    path.unlink()
    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(StoreUnavailable) as caught:
        Stamp(path, 0)
    assert caught.value.detail == f"{path} cannot be written: No space left on device"
    assert open_files(path.parent) == before


def test_what_a_killed_process_left_is_in_nobodys_way(path: Path, slept: list[float]) -> None:
    path.with_name(f"stamp.{os.getpid()}").write_bytes(b"left")
    Stamp(path, 0).close()
    assert [each.name for each in path.parent.iterdir()] == ["stamp"]


def test_the_deepest_mount_counts_whatever_the_order() -> None:
    root, deep = "1 0 8:1 / / rw - ext4 x rw", "2 1 0:3 / /srv/data rw - nfs x rw"
    for lines in ((root, deep), (deep, root)):
        assert file_system_of(Path("/srv/data/a"), "\n".join(lines)) == "nfs"
        assert file_system_of(Path("/srv"), "\n".join(lines)) == "ext4"
    assert file_system_of(Path("/srv/data"), f"{root}\n2 1 0:3 / /srv/data rw nfs x rw") == "ext4"


@linux
def test_a_stamp_that_is_replaced_is_closed_and_on_the_disk(
    path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path.write_bytes(b"short")
    before = open_files(path.parent)
    stamp = Stamp(path, 0)
    stamp.close()
    del stamp
    assert open_files(path.parent) == before
    assert len(synced) == 1
