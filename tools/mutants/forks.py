"""Trials in forks of one process that has imported the package and collected the tests: no start, no collection."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from tools.mutants.mutations import Mutant
from tools.mutants.patch import CannotBePatched, Functions
from tools.mutants.trial import Outcome

_ALL_PASSED, _SOME_FAILED, _NOT_PATCHED = 0, 1, 3
_SECONDS_A_TEST = 40


class Forks:
    """A process that tries mutants, one at a time.

    Args:
        root: The checkout.
        tests: Paths of the tests that it collects.
        seconds: That a trial may take.
    """

    def __init__(self, root: Path, tests: Sequence[str], seconds: float) -> None:
        command = [sys.executable, "-m", "tools.mutants.forks", str(seconds), *tests]
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env=os.environ | {"HYPOTHESIS_PROFILE": "ci", "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def try_mutant(self, mutant: Mutant, tests: Sequence[str]) -> Outcome | None:
        """Return what became of it; None if it can be tried only by importing the package again."""
        if not tests:
            return Outcome.NOT_REACHED
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = [mutant.file, mutant.start, mutant.end, mutant.text, *tests]
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        name = json.loads(self._process.stdout.readline())
        return None if name is None else Outcome[name]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class _Trials:
    """Plugin of pytest: instead of running the collected tests, run what is asked for, each time in a fork."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._questions = os.fdopen(os.dup(0))  # pytest takes both for itself
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        root = session.config.rootpath
        items = {item.nodeid: item for item in session.items}
        _import_all(root / "src")
        functions = Functions(root / "src")
        gc.freeze()  # a collection in a fork would copy every page
        for line in self._questions:
            file, start, end, text, *tests = json.loads(line)
            mutant = Mutant(file, (0, 0), start, end, text)
            chosen = [items[test] for test in tests if test in items]
            pid = os.fork()
            if not pid:
                status = _SOME_FAILED  # also if something ends the run of the tests, as `SystemExit` does
                try:
                    os.setpgid(0, 0)
                    status = _status(functions, root, mutant, chosen)
                finally:
                    os._exit(status)
            outcome = self._wait(pid)
            print(json.dumps(None if outcome is None else outcome.name), file=self._answers, flush=True)
        return True

    def _wait(self, pid: int) -> Outcome | None:
        end = time.monotonic() + self._seconds
        while not (status := os.waitpid(pid, os.WNOHANG))[0]:
            if time.monotonic() > end:
                _kill_group(pid)
                os.waitpid(pid, 0)
                return Outcome.TIMED_OUT
            time.sleep(0.005)
        _kill_group(pid)  # with servers that its tests left
        code = os.waitstatus_to_exitcode(status[1])
        if code == _NOT_PATCHED:
            return None
        return Outcome.SURVIVED if code == _ALL_PASSED else Outcome.KILLED


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _import_all(source: Path) -> None:
    """Import every module, so that no fork has to."""
    for file in sorted(source.rglob("*.py")):
        if file.stem != "__main__":
            parts = file.relative_to(source).with_suffix("").parts
            with suppress(Exception):  # as `oidc_gate.ext.django` in a process without Django's settings
                import_module(".".join(parts).removesuffix(".__init__"))


def _status(functions: Functions, root: Path, mutant: Mutant, items: list[pytest.Item]) -> int:
    """Run the tests in this process, and return its exit status."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    file = root / mutant.file
    try:
        functions.patch(file, mutant.apply(file.read_bytes()))
    except SyntaxError:
        return _SOME_FAILED
    except CannotBePatched:
        return _NOT_PATCHED
    failed = _Failed()
    items[0].config.pluginmanager.register(failed)
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if failed.seen:
            return _SOME_FAILED
    return _ALL_PASSED


class _Failed:
    seen = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seen |= report.failed


def main() -> int:
    """Collect the tests, and try what comes by standard input: a line of JSON each."""
    seconds, *tests = sys.argv[1:]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
    plugin = _Trials(float(seconds))
    return int(pytest.main([*options, f"--timeout={_SECONDS_A_TEST}", *tests], plugins=[plugin]))


if __name__ == "__main__":
    sys.exit(main())
