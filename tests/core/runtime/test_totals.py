"""The counts of several processes, through a directory that they share."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.model import Reason, Reply
from oidc_gate.runtime import totals as module
from oidc_gate.runtime.metrics import Metrics
from oidc_gate.runtime.totals import Totals, UnsafeDirectory, prepare_directory

KEY = ("decisions", "401", "no_cookie")
REPLY = Reply(401, reason=Reason("no_cookie"))
WAIT_SECONDS = 60
WORKER = """
import sys
from pathlib import Path
from oidc_gate.model import Reason, Reply
from oidc_gate.runtime.metrics import Metrics
from oidc_gate.runtime.totals import Totals
metrics = Metrics()
metrics.add_gauges(metrics, lambda: {("cached_sessions",): 5})
totals = Totals(metrics, Path(sys.argv[1]))
totals.start()
for line in sys.stdin:
    for _ in range(int(line)):
        metrics.decided(Reply(401, reason=Reason("no_cookie")), False)
    print("counted", flush=True)
"""


@contextmanager
def worker(directory: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def count(process: subprocess.Popen[str], number: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "counted\n"


def wait_for(totals: Totals, expected: float) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while totals.read().get(KEY) != expected:
        assert time.monotonic() < deadline, totals.read()
        time.sleep(0.02)


def mine(directory: Path | None, number: int = 0) -> Totals:
    metrics = Metrics()
    for _ in range(number):
        metrics.decided(REPLY, False)
    totals = Totals(metrics, directory)
    totals.start()
    return totals


def test_a_process_alone() -> None:
    assert mine(None, 2).read() == {KEY: 2, ("short_path",): 0, ("processes",): 1}


@pytest.mark.slow
def test_all_processes_together_and_a_sum_that_never_decreases(tmp_path: Path) -> None:
    totals = mine(tmp_path, 2)
    with worker(tmp_path) as first, worker(tmp_path) as second:
        count(first, 10)
        count(second, 100)
        wait_for(totals, 112)
        found = totals.read()
        assert found["processes",] == 3
        assert found["cached_sessions",] == 10
        first.send_signal(signal.SIGKILL)
        first.wait()
        for _ in range(3):  # it is moved to those that ended, once
            found = totals.read()
            assert (found[KEY], found["processes",], found["cached_sessions",]) == (112, 2, 5)
        count(second, 1)
        wait_for(totals, 113)
    assert totals.read()[KEY] == 113
    assert len(list(tmp_path.glob("*.lock"))) == 1
    assert mine(tmp_path).read()[KEY] == 113  # after a restart of the whole service too


@pytest.mark.slow
def test_whoever_cannot_lock_the_directory_moves_nothing_and_still_counts(tmp_path: Path) -> None:
    import fcntl

    with worker(tmp_path) as process:
        count(process, 3)
        totals = mine(tmp_path)
        wait_for(totals, 3)
    held = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert totals.read()[KEY] == 3
    assert not (tmp_path / "ended.json").exists()
    os.close(held)
    assert totals.read()[KEY] == 3
    assert (tmp_path / "ended.json").exists()


def test_after_a_fork_each_process_has_its_own_file(tmp_path: Path) -> None:
    totals = mine(tmp_path, 4)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            totals.start()
            totals._metrics.decided(REPLY, False)
            os.write(writer, repr(totals.read()[KEY]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"5.0"
    os.close(reader)
    os.close(writer)
    assert totals.read()["processes",] == 1  # the lock of the parent is still its own


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", '{"counts": 3}', 100_000 * "["],
    ids=lambda content: content[:20] or "empty",
)
def test_a_broken_file_counts_nothing(tmp_path: Path, content: str) -> None:
    totals = mine(tmp_path, 1)
    (tmp_path / "1-00.lock").touch()
    (tmp_path / "1-00.json").write_text(content)
    assert totals.read()[KEY] == 1


@pytest.mark.parametrize("name", ["1-00.json", "ended.json"])
@pytest.mark.parametrize(
    "row",
    [
        "[]",
        "[5]",
        '["decisions"]',
        '"decisions"',
        "5",
        "null",
        '{"decisions": 1}',
        '["decisions", "401", "5"]',
        '["decisions", "401", null]',
        '["decisions", "401", true]',
        '["decisions", "401", [1]]',
        '["decisions", "401", NaN]',
        '["decisions", "401", Infinity]',
        '["decisions", "401", -1]',
        '["decisions", "401", -0.5]',
        f'["decisions", "401", {2**53 + 1}]',
        f'["decisions", "401", 1{400 * "0"}]',
        '["decisions", 401, 1]',
        '["decisions", null, 1]',
        '["decisions", ["401"], 1]',
        '["decisions", "\\ud800", 1]',
    ],
    ids=lambda row: row[:40].replace("/", " "),
)
def test_a_row_that_no_process_writes_is_skipped_and_the_others_count(
    tmp_path: Path, name: str, row: str
) -> None:
    (tmp_path / "1-00.lock").touch()
    largest = f'["other", "", {2**53}]'
    (tmp_path / name).write_text(
        f'{{"counts": [["decisions", "200", "x", 2], {row}, ["short_path", 0.5], {largest}]}}'
    )
    expected = {("decisions", "200", "x"): 2, ("other", ""): 2**53, ("short_path",): 0.5, ("processes",): 1}
    totals = Totals(Metrics(), tmp_path)
    for _ in range(2):  # the second time from the file of those that have ended
        assert totals.read() == expected


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    directory = prepare_directory(str(tmp_path / "new/metrics"))
    mine(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in directory.iterdir()} == {0}


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_directory_that_others_can_write_into_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(UnsafeDirectory, match="other users can write into it"):
        prepare_directory(str(tmp_path))


@pytest.mark.parametrize("mode", [0o700, 0o711, 0o755])
def test_a_directory_that_others_may_read_is_used(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert prepare_directory(str(tmp_path)) == tmp_path


def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UnsafeDirectory, match="it belongs to another user"):
        prepare_directory(str(tmp_path))


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UnsafeDirectory, match="File exists"):
        prepare_directory(str(file))


def test_a_directory_that_is_gone_is_said_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "metrics"
    totals = mine(directory, 1)  # it was never made
    assert totals.read() == {KEY: 1, ("short_path",): 0, ("processes",): 1}
    reason = f"[Errno 2] No such file or directory: '{directory / 'lock'}'"
    assert caplog.record_tuples == [
        ("oidc_gate", logging.ERROR, f"metrics_directory cannot be {what}: {reason}")
        for what in ("written", "read")
    ]


class Writing:
    """The thread of a file, without the file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int, error: Exception | None) -> None:
        self.waits: list[float] = []
        self.writes, self._times, self._error = 0, times, error
        own = object.__new__(module._OwnFile)
        monkeypatch.setattr(own, "_stop", SimpleNamespace(wait=self._wait), raising=False)
        monkeypatch.setattr(own, "_write", self._write)
        own._write_on()

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) > self._times

    def _write(self) -> None:
        self.writes += 1
        if self.writes == 3 and self._error:
            raise self._error


def test_the_counts_are_written_every_second_until_they_cannot_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Writing(monkeypatch, 4, None)
    assert (found.waits, found.writes, caplog.record_tuples) == ([1.0] * 5, 4, [])
    found = Writing(monkeypatch, 4, OSError("no space"))
    message = "metrics_directory cannot be written: no space"
    assert (found.waits, found.writes) == ([1.0] * 3, 3)
    assert caplog.record_tuples == [("oidc_gate", logging.ERROR, message)]


def test_the_thread_of_a_file_keeps_no_process_alive(tmp_path: Path, started: list[dict[str, Any]]) -> None:
    own = module._OwnFile(tmp_path, Metrics())
    assert started == [{"target": own._write_on, "name": "oidc_gate metrics", "daemon": True}]


def test_the_files_of_a_process_as_a_whole(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.add_gauges(metrics, lambda: {("cached_sessions",): 5})
    totals = Totals(metrics, tmp_path)
    metrics.decided(REPLY, False)
    for _ in range(2):  # the second one has no effect
        totals.start()
    lock, written = sorted(tmp_path.glob("*-*.lock")), sorted(tmp_path.glob("*-*.json"))
    assert ([path.stem for path in lock], len(lock)) == ([path.stem for path in written], 1)
    assert lock[0].stem.startswith(f"{os.getpid()}-")
    assert {path.name for path in tmp_path.iterdir()} == {"lock", lock[0].name, written[0].name}
    assert json.loads(written[0].read_text()) == {
        "counts": [[*KEY, 1], ["short_path", 0]],
        "gauges": [["cached_sessions", 5]],
    }
    assert totals.read() == {KEY: 1, ("short_path",): 0, ("cached_sessions",): 5, ("processes",): 1}


def test_a_process_that_has_ended_leaves_its_counts_and_not_its_gauges(tmp_path: Path) -> None:
    rows = {"counts": [["decisions", "200", "x", 2.0]], "gauges": [["cached_sessions", 7]]}
    (tmp_path / "ended.json").write_text(
        json.dumps({"counts": [["decisions", "200", "x", 1.0], ["other", 1]]})
    )
    (tmp_path / "1-00.json").write_text(json.dumps(rows))
    (tmp_path / "1-00.lock").touch()
    totals = Totals(Metrics(), tmp_path)
    expected = {("decisions", "200", "x"): 3, ("other",): 1, ("short_path",): 0, ("processes",): 1}
    for _ in range(2):
        assert totals.read() == expected
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "ended.json"}
    assert json.loads((tmp_path / "ended.json").read_text()) == {
        "counts": [["decisions", "200", "x", 3.0], ["other", 1.0]]
    }


def test_a_process_that_lives_is_counted_with_its_gauges(tmp_path: Path) -> None:
    import fcntl

    rows = {"counts": [["decisions", "200", "x", 2.0]], "gauges": [["cached_sessions", 7]]}
    (tmp_path / "1-00.json").write_text(json.dumps(rows))
    held = os.open(tmp_path / "1-00.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    totals = Totals(Metrics(), tmp_path)
    assert totals.read() == {
        ("decisions", "200", "x"): 2,
        ("cached_sessions",): 7,
        ("short_path",): 0,
        ("processes",): 2,
    }
    os.close(held)


def test_a_file_that_is_too_long_counts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1-00.json").write_text(json.dumps({"counts": [["decisions", "200", "x", 2.0]]}))
    (tmp_path / "1-00.lock").touch()
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    assert Totals(Metrics(), tmp_path).read() == {("short_path",): 0, ("processes",): 1}


def test_a_file_is_written_again_only_if_something_was_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    own = module._OwnFile(tmp_path, metrics)
    path = tmp_path / f"{own.name}.json"
    path.write_text("as it was")
    own._write()
    assert path.read_text() == "as it was"
    metrics.decided(REPLY, False)
    own._write()
    assert json.loads(path.read_text())["counts"] == [[*KEY, 1], ["short_path", 0]]
