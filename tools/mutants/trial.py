"""One trial: the tests that reach a mutant's lines, against a copy of the checkout that holds the mutant."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import pytest

COPIED = (
    *("src", "tests", "docs", "examples", "fuzz", "bench", "tools"),
    *("pyproject.toml", "Makefile", "*.md", ".ci", ".gitignore"),
)
_ALL_PASSED, _NONE_COLLECTED = 0, 5


class Outcome(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_REACHED = "not reached"


class Selection:
    """Keep these tests alone, in this order; as a plugin of pytest."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._rank = {test: position for position, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._rank), key=lambda item: self._rank[item.nodeid]
        )


def copy_checkout(root: Path, to: Path, patterns: Sequence[str] = COPIED) -> None:
    """Copy what the tests need."""
    to.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for path in root.glob(pattern):
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(path, to / path.name, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy2(path, to / path.name)


def try_mutant(copy: Path, file: str, changed: bytes, tests: Sequence[str], seconds: float) -> Outcome:
    """Put `changed` in the place of a file for as long as the tests run.

    Args:
        copy: The root of the copied checkout.
        seconds: How long the tests may take together. A mutant that takes longer is not counted as killed: a test
            that does not end fails by its own limit, so what is left are mutants that many slow tests reach.
    """
    if not tests:
        return Outcome.NOT_REACHED
    path = copy / file
    source = path.read_bytes()
    path.write_bytes(changed)
    (copy / "selected").write_text("\n".join(tests))
    try:
        return _run(copy, seconds)
    finally:
        path.write_bytes(source)


def _run(copy: Path, seconds: float) -> Outcome:
    paths = os.pathsep.join([str(copy / "src"), str(copy)])
    environment = os.environ | {
        "PYTHONPATH": paths,
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_PROFILE": "ci",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.mutants.trial"],
        cwd=copy,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return Outcome.TIMED_OUT
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if status == _NONE_COLLECTED:
        raise RuntimeError("the tests that reached this line are not there any more")
    return Outcome.SURVIVED if status == _ALL_PASSED else Outcome.KILLED


def main() -> int:
    """Run the selected tests of the copied checkout that this is started in; the first failure ends it."""
    tests = Path("selected").read_text().splitlines()
    files = sorted({test.partition("::")[0] for test in tests})
    # A test without servers takes seconds: one that takes longer hangs, which is how it notices a mutant.
    options = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:cov",
        "--no-header",
        "--timeout=100",
    ]
    return int(pytest.main([*options, *files], plugins=[Selection(tests)]))


if __name__ == "__main__":
    sys.exit(main())
