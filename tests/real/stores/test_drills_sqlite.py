"""Drills with SQLite: it is locked, its disk is full, its file is removed or replaced."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.real.redis_server import wait_for
from tests.real.stores.two_workers import LAG_SECONDS, OPTIONS, site
from tests.real.stores.visits import until, visit

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=OPTIONS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_sqlite_locked_by_a_writer(kind: str, tmp_path: Path) -> None:
    """Reading goes on, a sign-in is refused, and nothing waits for the writer."""
    with site(kind, f"sqlite://{tmp_path}/sessions.db", tmp_path) as place:
        with sqlite3.connect(tmp_path / "sessions.db", isolation_level=None) as writer:
            writer.execute("BEGIN IMMEDIATE")
            end = time.monotonic() + 5
            while time.monotonic() < end:
                place.check_while_broken({200})
                assert place.try_to_sign_in() == 503
            writer.execute("ROLLBACK")
        writer.close()
        place.check_afterwards(200)


def test_sqlite_on_a_full_disk(kind: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        with site(kind, f"sqlite://{disk}/sessions.db", tmp_path) as place:
            filler = disk / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 512)
            statuses = set[int]()
            for _ in wait_for("the journal to be full"):
                place.check_while_broken({200})
                statuses.add(place.try_to_sign_in())
                if 503 in statuses:
                    break
            filler.unlink()
            place.check_afterwards(200)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _remove(path: Path) -> None:
    path.unlink()


def _replace_by_another(path: Path) -> None:
    other = path.with_name("other.db")
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE something (else_)")
    made.close()
    other.chmod(0o600)
    other.replace(path)


def _replace_by_rubbish(path: Path) -> None:
    other = path.with_name("rubbish.db")
    other.write_bytes(os.urandom(100_000))
    other.chmod(0o600)
    other.replace(path)


@pytest.mark.parametrize("change", [_remove, _replace_by_another, _replace_by_rubbish])
def test_sqlite_whose_file_is_lost(kind: str, change: Callable[[Path], None], tmp_path: Path) -> None:
    """Its sessions are lost with it: users sign in again, and no request fails once there is a file that works."""
    path = tmp_path / "sessions.db"
    with site(kind, f"sqlite://{path}", tmp_path) as place:
        kept = tmp_path / "kept.db"
        shutil.copy(path, kept)
        change(path)
        until("the change is seen", lambda: visit(place.port, place.ada).status != 200)
        time.sleep(LAG_SECONDS)
        place.check_while_broken({401})
        if change is not _remove:
            for each in tmp_path.glob("sessions.db*"):
                each.unlink()
        place.check_afterwards(401)
