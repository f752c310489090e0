"""`make mutants`: what it changes, and what it says of a change that tests notice, and of one that they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.process import REPOSITORY
from tools.mutants import accepted
from tools.mutants.forks import Forks
from tools.mutants.mutations import Mutant, mutants_of
from tools.mutants.reached import MAX_OF_IMPORT, some_of
from tools.mutants.trial import Outcome, copy_checkout, try_mutant

SOURCE = '''\
"""A module."""

LIMIT = 5


def check(value: int, *, name: str = "x") -> bool:
    """Check."""
    if value < 0 or not name:
        raise ValueError(f"no {name}")
    log.warning("a text")
    while value > LIMIT:
        value -= 1
    return value == LIMIT
'''
CHANGES = {
    (3, "6"),
    (6, "'xX'"),
    (8, "(value <= 0)"), (8, "(value >= 0)"), (8, "1"), (8, "name"), (8, "(not name)"), (8, "(value < 0)"),
    (8, "(value < 0 and (not name))"), (8, "(not (value < 0 or not name))"),
    (9, "pass"),
    (10, "pass"),
    (11, "(value >= LIMIT)"), (11, "(value <= LIMIT)"),
    (12, "pass"), (12, "2"),
    (13, "return None"), (13, "(value != LIMIT)"),
}  # fmt: skip


def test_what_is_changed(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(SOURCE)
    found = mutants_of(tmp_path, "module.py")
    assert {(mutant.lines[0], mutant.text) for mutant in found} == CHANGES


def test_a_mutant_of_the_package_is_python() -> None:
    found = [
        mutant
        for path in sorted((REPOSITORY / "src").rglob("*.py"))[::10]
        for mutant in mutants_of(REPOSITORY, str(path.relative_to(REPOSITORY)))
    ]
    assert len(found) > 500
    for mutant in found[::20]:
        source = (REPOSITORY / mutant.file).read_bytes()
        changed = mutant.apply(source)
        assert changed != source
        compile(changed, mutant.file, "exec", dont_inherit=True)


TEST = """\
import module

def test_it():
    assert module.double(2) == 4

def test_another():
    raise AssertionError("is not selected")
"""


BECOMES = pytest.mark.parametrize(
    ("new", "outcome"),
    [
        ("x + x", Outcome.SURVIVED),
        ("x + 1", Outcome.KILLED),
        ("x +", Outcome.KILLED),
        ("exec('while 1: 1')", Outcome.TIMED_OUT),
    ],
)


def make_root(root: Path) -> None:
    for folder in ("src", "tests"):
        (root / folder).mkdir(parents=True)
    (root / "src/module.py").write_text("def double(x):\n    return x * 2\n")
    (root / "tests/test_module.py").write_text(TEST)


@pytest.mark.real
@BECOMES
def test_what_becomes_of_a_mutant(tmp_path: Path, new: str, outcome: Outcome) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    make_root(root)
    copy_checkout(root, copy)
    copy_checkout(REPOSITORY / "tools/mutants", copy / "tools/mutants", ("*.py",))
    changed = Mutant("src/module.py", (2, 2), 0, 0, "").apply(b"def double(x):\n    return " + new.encode())
    seconds = 3 if outcome is Outcome.TIMED_OUT else 60
    assert try_mutant(copy, "src/module.py", changed, ["tests/test_module.py::test_it"], seconds) is outcome
    assert (copy / "src/module.py").read_text() == "def double(x):\n    return x * 2\n"
    assert try_mutant(copy, "src/module.py", changed, [], seconds) is Outcome.NOT_REACHED


@pytest.mark.real
@BECOMES
def test_what_becomes_of_a_mutant_in_a_fork(tmp_path: Path, new: str, outcome: Outcome) -> None:
    root = tmp_path / "root"
    make_root(root)
    copy_checkout(REPOSITORY / "tools/mutants", root / "tools/mutants", ("*.py",))
    (root / "pyproject.toml").write_text('[tool.pytest]\npythonpath = ["src"]\n')
    forks = Forks(root, ["tests"], 3 if outcome is Outcome.TIMED_OUT else 60)
    start = len("def double(x):\n    return ")
    mutant = Mutant("src/module.py", (2, 2), start, start + len("x * 2"), new)
    assert forks.try_mutant(mutant, ["tests/test_module.py::test_it"]) is outcome
    unchanged = Mutant("src/module.py", (2, 2), start, start + len("x * 2"), "x * 2")
    assert forks.try_mutant(unchanged, ["tests/test_module.py::test_it"]) is None
    assert forks.try_mutant(mutant, []) is Outcome.NOT_REACHED
    forks.close()
    assert (root / "src/module.py").read_text() == "def double(x):\n    return x * 2\n"


def test_every_accepted_mutant_has_a_reason(tmp_path: Path) -> None:
    accepted.read()
    (tmp_path / "a.txt").write_text("[equal] src/a.py\n-    x\n+    y\n\n[text] src/b.py\n-z\n+zX\n")
    assert accepted.read(tmp_path) == {
        ("src/a.py", "-    x\n+    y"): "equal",
        ("src/b.py", "-z\n+zX"): "text",
    }


@pytest.mark.parametrize("block", ["[lazy] src/a.py\n-x\n+y", "src/a.py\n-x\n+y", "[equal] src/a.py"])
def test_an_accepted_mutant_without_a_reason_is_refused(tmp_path: Path, block: str) -> None:
    (tmp_path / "a.txt").write_text(block)
    with pytest.raises(ValueError, match=r"a\.txt: write a reason"):
        accepted.read(tmp_path)


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("src/oidc_gate/a/b.py", "tests/core/a/test_b_more.py::t"),
        ("src/oidc_gate/b/__init__.py", "x/test_b.py::t"),
    ],
)
def test_of_many_tests_those_of_the_module_come_first(file: str, own: str) -> None:
    others = [f"tests/core/test_c.py::t{number}" for number in range(MAX_OF_IMPORT + 100)]
    half = MAX_OF_IMPORT // 2
    tests = [*others[:half], "tests/core/test_c.py::light", own, *others[half:]]
    assert some_of(tests, file) == [own, *tests[:half], *tests[-half:]]


def test_few_tests_are_all_run() -> None:
    tests = [f"tests/core/test_c.py::t{number}" for number in range(MAX_OF_IMPORT)]
    assert some_of(tests, "src/oidc_gate/a/b.py") == tests
