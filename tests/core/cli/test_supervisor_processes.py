"""What the parent of the workers does with signals, descriptors and forks: each call to the system, in order."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.cli import supervisor
from oidc_gate.cli.supervisor import Pipes, Supervisor

STOP, INTERRUPT, RELOAD, CHILD = supervisor.SIGNALS


class Stop(BaseException):
    """Ends the process that a test plays."""


class System:
    """Records the calls to the system instead of making them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, child: int = 7) -> None:
        self.did: list[object] = []
        self.child = child
        functions = {
            "pipe": self._pipe,
            "fork": self._fork,
            "close": lambda descriptor: self._do("close", descriptor),
            "set_blocking": lambda *given: self._do("set_blocking", *given),
            "_exit": self._exit,
        }
        monkeypatch.setattr(supervisor, "os", SimpleNamespace(**functions))
        replaced = {
            "signal": self._signal,
            "set_wakeup_fd": self._wakeup,
            "pthread_sigmask": lambda *given: self._do("mask", *given),
        }
        monkeypatch.setattr(supervisor, "signal", SimpleNamespace(**(vars(signal) | replaced)))

    def _do(self, *what: object) -> None:
        self.did.append(what[0] if len(what) == 1 else what)

    def _pipe(self) -> tuple[int, int]:
        self._do("pipe")
        return 31, 32

    def _fork(self) -> int:
        self._do("fork")
        return self.child

    def _signal(self, number: int, handler: object) -> str:
        self._do("signal", number, handler)
        return f"before {int(number)}"

    def _wakeup(self, descriptor: int, **keywords: object) -> int:
        self._do("wakeup", descriptor, keywords)
        return 99

    def _exit(self, status: int) -> None:
        self._do("exit", status)
        raise Stop


def quiet(serve: Any = None) -> Supervisor[str]:
    return Supervisor(serve, lambda: None, lambda loaded: None, count=1, grace_seconds=1)


def test_signals_are_handled_in_the_block_and_as_before_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    system, one = System(monkeypatch), quiet()
    with contextlib.suppress(Stop), one._handling_signals():
        assert one._wakeup == (31, 32)
        system.did.append("block")
        raise Stop
    assert system.did == [
        "pipe",
        ("set_blocking", 31, False),
        ("set_blocking", 32, False),
        *(("signal", number, one._note) for number in (STOP, INTERRUPT, RELOAD, CHILD)),
        ("wakeup", 32, {"warn_on_full_buffer": False}),
        "block",
        ("wakeup", 99, {}),
        *(("signal", number, f"before {int(number)}") for number in (STOP, INTERRUPT, RELOAD, CHILD)),
    ]


def test_signals_wait_while_a_worker_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    system, one = System(monkeypatch), quiet()
    assert one._start("settings") == supervisor._Worker(7, 31, inf)
    assert system.did == [
        "pipe",
        ("mask", signal.SIG_BLOCK, supervisor.SIGNALS),
        "fork",
        ("mask", signal.SIG_UNBLOCK, supervisor.SIGNALS),
        ("close", 32),
    ]


@pytest.mark.parametrize(
    ("ends", "status"),
    [(0, 0), (3, 3), (SystemExit(4), 4), (SystemExit("text"), 1), (SystemExit(), 1), (Stop("why"), 1)],
    ids=repr,
)
def test_a_worker_has_its_own_signals_and_descriptors(
    ends: Any, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(monkeypatch, child=0)

    def serve(*given: object) -> int:
        system.did.append(given)
        if isinstance(ends, BaseException):
            raise ends
        return int(ends)

    one = quiet(serve)
    one._wakeup, one._lifeline = (41, 42), (51, 52)
    one._workers, one._leaving = [supervisor._Worker(1, 61)], [supervisor._Worker(2, 62)]
    with pytest.raises(Stop):
        one._start("settings")
    assert system.did[3:] == [
        ("wakeup", -1, {}),
        ("signal", STOP, signal.SIG_DFL),
        ("signal", CHILD, signal.SIG_DFL),
        ("signal", INTERRUPT, signal.SIG_IGN),
        ("signal", RELOAD, signal.SIG_IGN),
        ("mask", signal.SIG_UNBLOCK, supervisor.SIGNALS),
        *(("close", descriptor) for descriptor in (41, 42, 52, 31, 61, 62)),
        ("settings", Pipes(32, 51)),
        ("exit", status),
    ]
    assert ("Stop: why" in capsys.readouterr().err) is (isinstance(ends, Stop))


@pytest.mark.parametrize("failing", ["stdout", "stderr"])
def test_a_worker_ends_also_if_its_output_is_closed(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, child=0)
    one = quiet(lambda *given: 5)

    def flush() -> None:
        raise (ValueError if failing == "stdout" else BrokenPipeError)

    with monkeypatch.context() as patch:
        patch.setattr(sys, failing, SimpleNamespace(flush=flush))
        with pytest.raises(Stop):
            one._run_worker("settings", Pipes(1, 2), 3)
    assert system.did[-1] == ("exit", 5)


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_a_wait_empties_the_pipe_of_the_signals(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = quiet()
    one._wakeup = os.pipe()
    readable, writable = os.pipe()
    try:
        for end in one._wakeup:
            os.set_blocking(end, False)
        os.write(one._wakeup[1], b"x" * count)
        os.write(writable, b"1")
        assert one._wait({readable}, 60) == [readable]
        assert one._wait({readable}, 0) == [readable]
        assert one._wait((), 0) == []
        with pytest.raises(BlockingIOError):
            os.read(one._wakeup[0], 1)
        os.write(one._wakeup[1], b"x")
        monkeypatch.setattr(os, "read", lambda *given: (_ for _ in ()).throw(BlockingIOError))
        assert one._wait((), None) == []  # it was empty after all
        monkeypatch.undo()
    finally:
        for each in (*one._wakeup, readable, writable):
            os.close(each)
