"""How the parent of the workers starts, replaces and stops them, with processes that a test plays."""

from __future__ import annotations

import os
import signal
from math import inf
from types import SimpleNamespace

import pytest

from oidc_gate.cli import supervisor
from oidc_gate.cli.supervisor import Supervisor

STOP, RELOAD, INTERRUPT = signal.SIGTERM, signal.SIGHUP, signal.SIGINT


class Played(Supervisor[str]):
    """A supervisor without processes. A test says what happens during each wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, count: int = 2, load: str | None = "new") -> None:
        self.now = 100.0
        self.did: list[object] = []
        self.waits: list[float | None] = []
        self.events: list[object] = []
        self.starting = "serves"
        self.alive: set[int] = set()
        self.closed: list[int] = []
        self.pids = iter(range(1, 100))
        super().__init__(self._never, lambda: load, self._ready, count=count, grace_seconds=20)
        functions = {
            "kill": self._killed,
            "waitpid": self._waited,
            "close": self.closed.append,
            "read": lambda descriptor, most: b"1" if self.starting == "serves" else b"",
            "pipe": lambda: (-1, -2),
            "set_blocking": lambda descriptor, blocking: None,
            "WNOHANG": os.WNOHANG,
        }
        monkeypatch.setattr(supervisor, "os", SimpleNamespace(**functions))
        monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: self.now))

    def _never(self, loaded: str, pipes: object) -> int:
        raise AssertionError

    def _ready(self, loaded: str) -> None:
        self.did.append(f"ready with {loaded}")

    def _start(self, loaded: str) -> supervisor._Worker:
        pid = next(self.pids)
        self.did.append(f"start {pid} with {loaded}")
        self.alive.add(pid)
        return supervisor._Worker(pid, 1000 + pid)

    def _killed(self, pid: int, number: int) -> None:
        self.did.append(f"{signal.Signals(number).name} to {pid}")
        if pid not in self.alive:
            raise ProcessLookupError
        if number == signal.SIGKILL:
            self.alive.remove(pid)

    def _waited(self, pid: int, flags: int) -> tuple[int, int]:
        return (0, 0) if pid in self.alive else (pid, 0)

    def _wait(self, descriptors: set[int] | tuple[()], seconds: float | None) -> list[int]:
        if descriptors:
            self.now += 0 if self.starting != "hangs" else (seconds or 0)
            return [] if self.starting == "hangs" else sorted(descriptors)[:1]
        self.waits.append(seconds)
        match self.events.pop(0):
            case signal.Signals() as number:
                self._note(number, None)
            case int() as pid:
                self.alive.discard(pid)
            case float() as moved:
                self.now += moved
        return []


def played(
    monkeypatch: pytest.MonkeyPatch, *events: object, starting: str = "serves", **keywords: object
) -> Played:
    found = Played(monkeypatch, **keywords)  # type: ignore[arg-type]
    found.events, found.starting = [*events], starting
    return found


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the signals of the tests alone."""
    functions = {
        "signal": lambda number, handler: None,
        "set_wakeup_fd": lambda descriptor, warn_on_full_buffer=True: -1,
    }
    monkeypatch.setattr(supervisor, "signal", SimpleNamespace(**(vars(signal) | functions)))


BEGIN = ["start 1 with old", "start 2 with old", "ready with old"]
END = ["SIGTERM to 1", "SIGTERM to 2"]


@pytest.mark.parametrize("number", [STOP, INTERRUPT])
def test_workers_are_started_and_stopped(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch, number, 1, 2)
    assert one.run("old") == 0
    assert one.did == [*BEGIN, *END]
    assert one.waits == [None, 22.0, 22.0]
    assert sorted(one.closed) == [1001, 1002]


@pytest.mark.parametrize("starting", ["dies", "hangs"])
def test_workers_that_do_not_start(
    starting: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch, starting=starting)
    assert one.run("old") == 1
    assert one.did == ["start 1 with old", "start 2 with old", "SIGKILL to 1", "SIGKILL to 2"]
    assert "the workers did not start; what they wrote above says why" in caplog.text
    assert one.now == (160.0 if starting == "hangs" else 100.0)
    assert one.closed == [1001, 1002]


def test_a_signal_during_the_start_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch)
    one._signals.append(STOP)
    assert one.run("old") == 0
    assert one.did == ["start 1 with old", "start 2 with old", "SIGKILL to 1", "SIGKILL to 2"]
    assert caplog.text == ""


def test_a_worker_that_ends_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch, 1, 3, 0.4, 0.6, STOP, 2, 4)
    assert one.run("old") == 0
    assert one.did == [*BEGIN, "start 3 with old", "start 4 with old", "SIGTERM to 2", "SIGTERM to 4"]
    # At once, then at least a second after the replacement before it.
    assert [seconds and round(seconds, 3) for seconds in one.waits] == [
        None,
        None,
        1.0,
        0.6,
        None,
        22.0,
        22.0,
    ]
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("oidc_gate", "worker 1 ended unexpectedly; another one is started"),
        ("oidc_gate", "worker 3 ended unexpectedly; another one is started"),
    ]


def test_all_workers_are_replaced_after_sighup(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch, RELOAD, 1, 3, STOP, 2, 4, 5)
    assert one.run("old") == 0
    assert one.did == [
        *BEGIN,
        "start 3 with new",
        "start 4 with new",
        *END,
        "ready with new",
        "start 5 with new",
        "SIGTERM to 4",
        "SIGTERM to 5",
    ]
    assert one.waits == [None, 22.0, 22.0, 22.0, 22.0, 22.0, 22.0]


def test_each_sighup_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch, RELOAD, 1, 2, STOP, 3, 4, 5, 6)
    one._signals.append(RELOAD)
    assert one.run("old") == 0
    assert one.did.count("ready with new") == 2


def test_settings_that_cannot_work_leave_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch, RELOAD, STOP, 1, 2, load=None)
    assert one.run("old") == 0
    assert one.did == [*BEGIN, "ready with old", *END]


@pytest.mark.parametrize("is_stopped", [False, True])
def test_new_workers_that_do_not_start_leave_the_old_ones(
    is_stopped: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch, RELOAD, STOP, 1, 2)
    load = one._load

    def loading() -> str | None:
        one.starting = "dies"
        one._signals += [STOP] if is_stopped else []
        return load()

    monkeypatch.setattr(one, "_load", loading)
    one.events = [RELOAD, 1, 2] if is_stopped else one.events
    assert one.run("old") == 0
    failed = ["start 3 with new", "start 4 with new", "SIGKILL to 3", "SIGKILL to 4"]
    assert one.did == [*BEGIN, *failed, *([] if is_stopped else ["ready with old"]), *END]
    assert ("the new workers did not start" in caplog.text) is not is_stopped


def test_a_worker_that_does_not_end_is_killed_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch, STOP, 1, 21.9, 0.1, 0.0, count=2)
    assert one.run("old") == 0
    assert one.did == [*BEGIN, *END, "SIGKILL to 2"]
    assert [record.getMessage() for record in caplog.records] == [
        "worker 2 did not end in 20 seconds, and is killed"
    ]


def test_old_workers_are_killed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch, RELOAD, 22.0, STOP, 3, 4)
    assert one.run("old") == 0
    assert one.did[-4:] == ["SIGKILL to 1", "SIGKILL to 2", "SIGTERM to 3", "SIGTERM to 4"]


@pytest.mark.parametrize(("second", "kills"), [(INTERRUPT, True), (STOP, False)])
def test_a_second_ctrl_c_kills(
    second: signal.Signals, kills: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = played(monkeypatch, STOP, second, 1, 2, 0.0)
    assert one.run("old") == 0
    assert one.did == [*BEGIN, *END, *(["SIGKILL to 1", "SIGKILL to 2"] if kills else [])]
    assert ("interrupted again: 2 workers are killed" in caplog.text) is kills


def test_signals_that_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch)
    for number in supervisor.SIGNALS:
        one._note(number, None)
    assert one._signals == [STOP, INTERRUPT, RELOAD]
    assert one._seconds_to_wait(inf) is None
    assert (one._seconds_to_wait(99), one._seconds_to_wait(101)) == (0.0, 1.0)


@pytest.mark.parametrize("why", ["the settings cannot work", "the new workers do not start"])
def test_after_a_reload_that_failed_a_worker_is_replaced_with_the_old_settings(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_settings = why == "the settings cannot work"
    one = played(
        monkeypatch, RELOAD, 1, STOP, 2, 3 if no_settings else 5, load=None if no_settings else "new"
    )
    load = one._load

    def loading() -> str | None:
        one.starting = "dies"
        return load()

    monkeypatch.setattr(one, "_load", loading)
    assert one.run("old") == 0
    failed = ["start 3 with new", "start 4 with new", "SIGKILL to 3", "SIGKILL to 4"]
    last = 3 if no_settings else 5
    assert one.did == [
        *BEGIN,
        *([] if no_settings else failed),
        "ready with old",
        f"start {last} with old",
        "SIGTERM to 2",
        f"SIGTERM to {last}",
    ]


def test_an_old_worker_that_has_ended_is_never_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Because another process may have its number then."""
    one = played(monkeypatch, RELOAD, 1, 10.0, 12.0, 5.0, STOP, 3, 4)
    assert one.run("old") == 0
    assert one.did[len(BEGIN) + 2 :] == [
        *END,
        "ready with new",
        "SIGKILL to 2",
        "SIGTERM to 3",
        "SIGTERM to 4",
    ]
    assert one.waits == [None, 22.0, 22.0, 12.0, None, None, 22.0, 22.0]
    assert one.closed == [1001, 1002, 1003, 1004]


def test_a_worker_is_killed_once_even_if_it_takes_time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch)
    one._leaving = [supervisor._Worker(1, 1001, 100.0), supervisor._Worker(2, 1002, 100.5)]
    for _ in range(2):
        one._kill_overdue()
    assert one.did == ["SIGKILL to 1"]
    assert one._leaving == [supervisor._Worker(1, 1001, inf), supervisor._Worker(2, 1002, 100.5)]


def test_workers_that_did_not_start_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(monkeypatch)
    waited: list[object] = []
    monkeypatch.setattr("oidc_gate.cli.supervisor.os.waitpid", lambda *given: waited.append(given))
    one._kill([supervisor._Worker(1, 1001), supervisor._Worker(2, 1002)])
    assert waited == [(1, 0), (2, 0)]
    assert one.closed == [1001, 1002]
