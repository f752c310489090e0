"""Which tests reach which line: coverage contexts of one run of the suite, kept until a source or a test changes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from sys import intern

from coverage import CoverageData

from tools.mutants.mutations import Mutant

MAX_OF_IMPORT = 300
"""So many tests are run, beside those of the same module, if the package has to be imported again for a mutant."""
_ALL_PASSED, _SOME_FAILED = 0, 1
CONFIGURATION = """\
[run]
source_pkgs = oidc_gate
"""


class Reached:
    """The tests of each line.

    Args:
        root: The checkout.
        data: The file of coverage data; made anew if it is older than a file of src or tests.
        tests: Paths of the tests that count; those of them with real servers do not.
        real: Paths of tests with real servers that count too: those of which the code runs in the test's process.
    """

    def __init__(self, root: Path, data: Path, tests: Sequence[str], real: Sequence[str] = ()) -> None:
        if not data.exists() or data.stat().st_mtime < _newest(root):
            for old in (data, data.with_name("failed")):
                old.unlink(missing_ok=True)
            _measure(root, data, ("-m", "not real", *tests))
            if real:
                _measure(root, data, real)
        self._data = CoverageData(basename=str(data))
        self._data.read()
        self._root = root
        self._failed = set(data.with_name("failed").read_text().splitlines())
        self._lines: dict[str, dict[int, list[str]]] = {}
        self._weights: Counter[str] = Counter()
        for file in self._data.measured_files():
            for tests in self._of(os.path.relpath(file, root)).values():
                self._weights.update(tests)

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that reach a mutant, those first that reach the fewest lines in all.

        A line that ran only when its module was imported belongs to every test that reaches the module; if it is a
        module without functions, to every test that reaches its package.
        """
        by_line = self._of(mutant.file)
        found = {
            test for line in range(mutant.lines[0], mutant.lines[1] + 1) for test in by_line.get(line, ())
        }
        if not found and self.runs_at_import(mutant):
            found = self._of_module(mutant.file) or self._of_package(mutant.file)
        return sorted(found, key=lambda test: (self._weights[test], test))

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Tell whether the changed statement ran while modules were imported, and not only in tests."""
        by_line = self._data.contexts_by_lineno(str(self._root / mutant.file))
        return mutant.at_import or "" in by_line.get(mutant.lines[0], ())

    def _of_module(self, file: str) -> set[str]:
        return {test for tests in self._of(file).values() for test in tests}

    def _of_package(self, file: str) -> set[str]:
        for folder in Path(file).parents:
            files = (str(path.relative_to(self._root)) for path in (self._root / folder).rglob("*.py"))
            if found := set().union(*map(self._of_module, files)):
                return found
        return set()

    def _of(self, file: str) -> dict[int, list[str]]:
        if file not in self._lines:
            contexts = self._data.contexts_by_lineno(str(self._root / file))
            self._lines[file] = {
                line: sorted({intern(name.rpartition("|")[0]) for name in names if name} - self._failed)
                for line, names in contexts.items()
            }
        return self._lines[file]


def some_of(tests: Sequence[str], file: str) -> list[str]:
    """Return those of `tests` that bear the name of the module `file`, and of the others the lightest and heaviest.

    Args:
        tests: Ids of tests, the lightest first.
        file: The path of a module below `src`.
    """
    if len(tests) <= MAX_OF_IMPORT:
        return list(tests)
    module = Path(file)
    name = module.parent.name if module.stem == "__init__" else module.stem
    own = [test for test in tests if Path(test.partition("::")[0]).stem.startswith(f"test_{name.strip('_')}")]
    half = MAX_OF_IMPORT // 2
    return list(dict.fromkeys([*own, *tests[:half], *tests[-half:]]))


def _newest(root: Path) -> float:
    files = [path for folder in ("src", "tests") for path in (root / folder).rglob("*.py")]
    return max(path.stat().st_mtime for path in files)


def _measure(root: Path, data: Path, tests: Sequence[str]) -> None:
    """Run tests once, and add what they reach to the data."""
    data.parent.mkdir(parents=True, exist_ok=True)
    configuration = data.with_name("settings.ini")
    configuration.write_text(CONFIGURATION)
    command: Sequence[str | Path] = (
        *(sys.executable, "-m", "pytest", "-q", "-n", "logical"),
        *("-p", "tools.mutants.at_the_root", f"--failed-to={data.with_name('failed')}"),
        *(
            "--cov",
            f"--cov-config={configuration}",
            "--cov-context=test",
            "--cov-append",
            "--cov-report=",
            *tests,
        ),
    )
    environment = os.environ | {"COVERAGE_FILE": str(data), "HYPOTHESIS_PROFILE": "ci"}
    status = subprocess.run(command, cwd=root, env=environment, check=False).returncode
    if status not in (_ALL_PASSED, _SOME_FAILED):
        data.unlink(missing_ok=True)
        raise SystemExit("mutants: the tests cannot be run")
    if status == _SOME_FAILED:
        print("mutants: tests that fail without a mutant do not count")
