"""The files of an SQLite store: who may read them, where they may be, and what happens when they change."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import EVERYTHING, GRACE_SECONDS, ExpiringKey, Row, Selector, StoreURLError
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.sqlite.files import ensure_private, file_system_of, validate_place
from oidc_gate.testing.store_contract import Listener, new_key, wait_until
from tests.shells.stores import put_stamp

NOW = int(time.time())


def row(*indexes: bytes, lasts: int = 3600, body: bytes = b"sealed", now: int = NOW) -> Row:
    return Row(new_key(), 1, now + lasts, now + lasts, now, indexes, b"label", body)


def stored(store: SqliteStore, *indexes: bytes) -> Row:
    one = row(*indexes)
    assert store.put(one, 0, NOW)
    return one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    put_stamp(path)
    store = SqliteStore(path, tick_seconds=0.1)
    store.check(NOW)
    yield store
    store.close()


# --- who may read them --------------------------------------------------------------------------------


def test_the_server_s_user_alone_may_read_them(path: Path) -> None:
    umask = os.umask(0)
    try:
        store = SqliteStore(path, tick_seconds=0.05)
        listener = Listener(store)
        stored(store)
        store.end(EVERYTHING, NOW)
    finally:
        os.umask(umask)
    files = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert files == dict.fromkeys(
        ("sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db-stamp"), 0o600
    )
    listener.view.close()


def test_a_file_that_others_could_read_is_closed_to_them(
    store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    path.chmod(0o644)
    store.check(NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "other users could read it" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(store: SqliteStore, path: Path) -> None:
    store.close()
    os.chown(path, 12345, 12345)
    with pytest.raises(StoreUnavailable, match="server's own user"):
        store.check(NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_stamp_of_another_user_is_replaced(store: SqliteStore, path: Path) -> None:
    stamp = path.with_name("sessions.db-stamp")
    os.chown(stamp, 12345, 12345)
    store.end(EVERYTHING, NOW)
    assert stamp.stat().st_uid == 0


# --- where they may be --------------------------------------------------------------------------------


def test_the_directory_must_exist_and_be_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreURLError, match="does not exist; create it"):
        SqliteStore(tmp_path / "missing/sessions.db")
    (tmp_path / "file").touch()
    with pytest.raises(StoreURLError, match="does not exist"):
        SqliteStore(tmp_path / "file/sessions.db")
    for mode in (0o777, 0o1777, 0o702):
        tmp_path.chmod(mode)
        with pytest.raises(StoreURLError, match="every user of this machine may write"):
            SqliteStore(tmp_path / "sessions.db")
    tmp_path.chmod(0o755)
    SqliteStore(tmp_path / "sessions.db")


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /mnt rw - nfs4 server:/export rw
24 23 0:22 / /mnt/local rw - tmpfs tmpfs rw
25 22 0:23 / /with\\040space rw - cifs //server/share rw
26 22 0:24 / /over rw - ext4 /dev/sdb1 rw
27 26 0:25 / /over rw - fuse.sshfs host:/ rw
28 22 0:26 / /wsl rw - 9p C: rw
garbage
29 22
"""


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/", "ext4"), ("/var/lib", "ext4"), ("/mnt", "nfs4"), ("/mnt/a/b", "nfs4"), ("/mnt/local", "tmpfs"),
        ("/mnt/local/a", "tmpfs"), ("/mntother", "ext4"), ("/with space/a", "cifs"), ("/over/a", "fuse.sshfs"),
        ("/wsl/c", "9p"),
    ],
)  # fmt: skip
def test_the_file_system_of_a_directory(directory: str, kind: str) -> None:
    assert file_system_of(Path(directory), MOUNTS) == kind
    assert file_system_of(Path(directory), "") == ""


@pytest.mark.parametrize("line", ["", "too few fields - nfs", "1 2 0:3 / / rw without a hyphen"])
def test_a_line_of_the_mounts_that_cannot_be_read_is_passed_over(line: str) -> None:
    assert file_system_of(Path("/srv"), f"{line}\n20 1 8:1 / / rw - ext4 /dev/sda1 rw") == "ext4"
    assert file_system_of(Path("/srv"), line) == ""


def test_what_is_no_ordinary_file_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnavailable, match="is not a file of the server's own user"):
        ensure_private(path)
    with pytest.raises(StoreUnavailable, match="No such file"):
        ensure_private(path / "nothing")


def test_network_file_systems_are_refused(tmp_path: Path) -> None:
    for kind in ("nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "ceph"):
        mounts = f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:21 / {tmp_path} rw - {kind} x rw\n"
        with pytest.raises(StoreURLError, match=rf"network file system \({kind}\).*local disk"):
            validate_place(tmp_path / "sessions.db", mounts)
    validate_place(tmp_path / "sessions.db", "22 1 8:1 / / rw - xfs /dev/sda1 rw\n")


# --- what happens when they change --------------------------------------------------------------------


def remove(path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()


def remove_log(path: Path) -> None:
    for name in ("sessions.db-wal", "sessions.db-shm"):
        path.with_name(name).unlink(missing_ok=True)


def test_the_file_is_removed(store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listener, one = Listener(store), stored(store)
    assert listener.soon_admits(one.key)
    path.unlink()
    assert store.open(one.key, NOW) is None, "what was removed is gone"
    assert wait_until(lambda: not listener.would_admit(one.key))
    assert listener.gaps == 1
    other = stored(store)
    assert store.open(other.key, NOW) == other
    assert SqliteStore(path).open(other.key, NOW) == other
    assert caplog.text.count("removed or replaced") == 1


def test_a_file_that_is_replaced_while_no_connection_is_open(store: SqliteStore, path: Path) -> None:
    """The new one often gets the inode of the old one."""
    listener, one = Listener(store), stored(store)
    store.close()
    path.unlink()
    assert stored(SqliteStore(path))
    assert wait_until(lambda: not listener.would_admit(one.key))


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system does not list locks")
def test_closing_drops_no_lock_of_a_connection_that_is_used(store: SqliteStore, path: Path) -> None:
    """Whoever closes any descriptor of a file drops all locks that the process has on it."""

    def is_locked() -> bool:
        return f":{path.stat().st_ino} " in Path("/proc/locks").read_text()

    with store._connections.writing():
        assert is_locked()
        store.close()
        assert is_locked()
    store.close()
    assert not is_locked()


def test_all_files_are_removed_and_a_session_is_ended_elsewhere_at_once(
    store: SqliteStore, path: Path
) -> None:
    """The other process may still map a stamp that nobody changes any more: `end` waits until it has noticed."""
    listener, one = Listener(store), stored(store)
    assert listener.soon_admits(one.key)
    remove(path)
    SqliteStore(path, tick_seconds=0.1).end(Selector(keys=(one.key,)), NOW)
    assert not listener.would_admit(one.key)


def test_the_stamp_is_removed_and_a_session_is_ended_elsewhere_at_once(
    store: SqliteStore, path: Path
) -> None:
    listener, one, kept = Listener(store), stored(store), stored(store)
    path.with_name("sessions.db-stamp").unlink()
    SqliteStore(path, tick_seconds=0.1).end(Selector(keys=(one.key,)), NOW)
    assert not listener.would_admit(one.key)
    assert store.open(kept.key, NOW) == kept


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_damaged_stamp_is_replaced(store: SqliteStore, path: Path, content: bytes) -> None:
    stamp = path.with_name("sessions.db-stamp")
    stamp.unlink()
    stamp.write_bytes(content)
    assert Listener(store).view.is_current()
    assert len(stamp.read_bytes()) == 8


def test_the_file_is_replaced_by_another_store(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = SqliteStore(tmp_path / "other/sessions.db", tick_seconds=0.1)
    theirs = stored(other)
    other.close()
    listener, ours = Listener(store), stored(store)
    remove_log(path)
    (tmp_path / "other/sessions.db").replace(path)
    assert store.open(ours.key, NOW) is None
    assert store.open(theirs.key, NOW) == theirs
    assert wait_until(lambda: not listener.would_admit(ours.key))
    assert stored(store)


RUBBISH = pytest.mark.parametrize("rubbish", [b"rubbish" * 10_000, b"SQLite format 3\0" + bytes(50_000)])


@RUBBISH
@pytest.mark.parametrize("is_in_place", [False, True])
def test_the_file_is_replaced_by_rubbish(
    store: SqliteStore, path: Path, tmp_path: Path, rubbish: bytes, is_in_place: bool
) -> None:
    one = stored(store)
    if is_in_place:
        store.close()
        path.write_bytes(rubbish)
    else:
        remove_log(path)
        (tmp_path / "rubbish").write_bytes(rubbish)
        (tmp_path / "rubbish").replace(path)
    for call in (
        lambda: store.open(one.key, NOW),
        lambda: store.put(row(), 0, NOW),
        lambda: store.check(NOW),
    ):
        with pytest.raises(StoreUnavailable, match=r"sessions\.db"):
            call()
    assert path.read_bytes()[:50] == rubbish[:50], "it may be anything: it is left alone"
    remove(path)
    assert stored(store), "it recovers by itself"


@RUBBISH
def test_rubbish_is_written_into_the_file_while_it_is_used(
    store: SqliteStore, path: Path, rubbish: bytes
) -> None:
    one, unknown = stored(store), row()
    path.write_bytes(rubbish)
    for _ in range(3):
        with suppress(StoreUnavailable):
            assert store.open(one.key, NOW) in (one, None)
        with suppress(StoreUnavailable):
            assert store.open(unknown.key, NOW) is None
        with suppress(StoreUnavailable):
            store.put(row(), 0, NOW)
    remove(path)
    assert stored(store), "it recovers by itself"


def test_the_database_of_another_application_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE users (name)")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="another application"):
        SqliteStore(path).check(NOW)
    assert path.read_bytes() == before


def test_an_empty_file_is_left_alone(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreUnavailable, match="is empty; remove it"):
        SqliteStore(path).check(NOW)


def test_the_database_of_a_later_release_is_left_alone(store: SqliteStore, path: Path) -> None:
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(StoreUnavailable, match="another release"):
        store.check(NOW)


def test_the_directory_is_removed_and_comes_back(store: SqliteStore, path: Path) -> None:
    shutil.rmtree(path.parent)
    with pytest.raises(StoreUnavailable, match="cannot be created"):
        stored(store)
    path.parent.mkdir()
    assert stored(store)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock for writing in another process, as a backup or a careless `sqlite3` shell does."""
    program = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdin
    try:
        assert process.stdout.readline() == "locked\n"
        yield
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@pytest.mark.slow
def test_another_process_holds_the_lock(store: SqliteStore, path: Path) -> None:
    listener, one = Listener(store), stored(store)
    with locked(path):
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another process holds its lock") as caught:
            store.put(row(), 0, NOW)
        assert caught.value.status == 503
        assert caught.value.retry_after_seconds >= 1
        with pytest.raises(StoreUnavailable, match="another process holds its lock"):
            store.end(EVERYTHING, NOW)
        assert time.monotonic() - started < 60, "it hangs"
        assert store.open(one.key, NOW) == one, "reading needs no lock"
        assert listener.soon_admits(one.key), "no session was ended"
    store.end(Selector(keys=(one.key,)), NOW)
    assert not listener.would_admit(one.key)


@pytest.mark.slow
def test_a_call_ends_within_its_deadline(path: Path) -> None:
    store = SqliteStore(path, deadline_seconds=0.4)
    store.check(NOW)
    with locked(path):
        errors: list[float] = []

        def put() -> None:
            started = time.monotonic()
            with pytest.raises(StoreUnavailable):
                store.put(row(), 0, NOW)
            errors.append(time.monotonic() - started)

        threads = [threading.Thread(target=put) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(errors) == 12
    assert max(errors) < 2, "threads wait one after the other"


def test_a_view_that_cannot_catch_up_is_not_current(store: SqliteStore, path: Path) -> None:
    """While the lock is held, what was remembered does not count, and rows are still read."""
    listener, one, kept = Listener(store), stored(store), stored(store)
    other = SqliteStore(path, tick_seconds=0.1)
    other.end(Selector(keys=(one.key,)), NOW)
    with locked(path):
        assert not listener.view.is_current()
        assert not listener.view.catch_up()
        assert store.open(one.key, NOW) is None
        assert store.open(kept.key, NOW) == kept
    assert listener.view.catch_up()
    assert listener.ended == {one.key}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(directory)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(directory: Path) -> Path:
    filler = directory / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def test_the_disk_is_full(small_disk: Path) -> None:
    store = SqliteStore(small_disk / "sessions.db", tick_seconds=0.1)
    listener, kept = Listener(store), stored(store)
    rows: list[Row] = []

    def fill_store() -> None:
        for _ in range(1_000):
            rows.append(row(body=os.urandom(10_000)))
            store.put(rows[-1], 0, NOW)

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        fill_store()
    assert len(rows) > 20
    assert store.open(kept.key, NOW) == kept, "reading goes on"
    assert listener.soon_admits(kept.key)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        store.end(EVERYTHING, NOW)
    assert store.open(kept.key, NOW) == kept, "what was not ended is there"
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert store.end(EVERYTHING, NOW) >= len(rows) - 1
    assert not listener.would_admit(kept.key)
    assert stored(store), "it recovers"


def test_the_disk_is_filled_by_others(small_disk: Path) -> None:
    """Bytes that a mapping shows are there: what changes them fails, and kills no process (SIGBUS)."""
    store = SqliteStore(small_disk / "sessions.db", tick_seconds=0.1)
    one = stored(store)
    filler = fill(small_disk)
    with pytest.raises(StoreUnavailable):
        store.end(Selector(keys=(one.key,)), NOW)
    store.view(lambda keys: None).catch_up()  # whether there was room for a stamp or not
    filler.unlink()
    store.end(Selector(keys=(one.key,)), NOW)
    assert store.open(one.key, NOW) is None


# --- how large they get -------------------------------------------------------------------------------


def test_old_rows_leave_by_themselves_and_the_file_stays_small(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_gate.store.sqlite.store.TIDY_SECONDS", 0)
    store = SqliteStore(path, tick_seconds=0.1)
    sizes = []
    index = new_key()
    for hour in range(40):
        now = NOW + hour * 3600
        for _ in range(20):
            one = row(index, body=os.urandom(5_000), now=now)
            assert store.put(one, 0, now)
            store.add_once(ExpiringKey("test", new_key()), now + 3600, now)
        sizes.append(path.stat().st_size)
    assert store.count(EVERYTHING, NOW) <= 20 * (GRACE_SECONDS // 3600 + 2)
    assert max(sizes[20:]) <= max(sizes[:20]) * 1.2
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        tables = ("sessions", "session_indexes", "expiring_keys")
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    assert all(count < 150 for count in counts), counts


def test_the_log_of_ends_is_bounded_and_a_view_that_missed_some_is_told(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_gate.store.sqlite.store.MAX_ENDS", 10)
    listener = Listener(store)
    kept = stored(store)
    for number in range(25):
        store.end(Selector(keys=(b"%032d" % number,)), NOW)
        if number == 4:
            assert listener.soon_admits(kept.key)
            assert len(listener.ended) == 5
    assert not listener.would_admit(kept.key), "it must be read again"
    assert listener.gaps == 1
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert database.execute("SELECT count(*) FROM ends").fetchone() == (10,)


def test_the_keys_of_a_kind_are_bounded(path: Path) -> None:
    store = SqliteStore(path, max_keys=10)
    first = ExpiringKey("code", b"first")
    store.add_once(first, NOW + 1000, NOW)
    for number in range(60):
        store.add_once(ExpiringKey("frame", b"%d" % number), NOW + 1000 + number, NOW + number)
    assert store.when_added((first,), NOW + 100).at == NOW, "another kind displaced it"
    assert store.when_added((ExpiringKey("frame", b"0"),), NOW + 100).at is None
    assert store.when_added((ExpiringKey("frame", b"59"),), NOW + 100).at == NOW + 59


def test_a_lease_of_before_a_restart_of_the_machine_is_void(store: SqliteStore, path: Path) -> None:
    lease = store.lease(b"refresh", 60)
    assert lease
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE leases SET taken = taken + 1e6, until = until + 1e6")
    assert store.lease(b"refresh", 60)
