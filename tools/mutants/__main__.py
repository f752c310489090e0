"""Draw a sample of mutants of src, try each, print those that no test notices: `python -m tools.mutants --seed 7`."""

from __future__ import annotations

import argparse
import difflib
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from tools.mutants import accepted
from tools.mutants.forks import Forks
from tools.mutants.mutations import Mutant, mutants_of
from tools.mutants.reached import Reached, some_of
from tools.mutants.trial import Outcome, copy_checkout, try_mutant

ROOT = Path(__file__).parents[2]
DATA = ROOT / "artifacts/mutants/coverage"
REAL = ("tests/real/stores/test_redis_contract.py", "tests/real/stores/test_redis_sign_in.py")


def main() -> int:
    """Return the exit status: 0 if the kill rate is what `--at-least` asks for."""
    options = _options()
    reached = Reached(ROOT, DATA, options.tests, options.real)
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.py"))
    everything = [mutant for file in files if _is_drawn(file, options) for mutant in mutants_of(ROOT, file)]
    sample = random.Random(options.seed).sample(everything, min(options.size, len(everything)))
    print(f"{len(sample)} of {len(everything)} mutants, seed {options.seed}", flush=True)
    known = accepted.read()
    counted: Counter[str] = Counter()
    for mutant, outcome in _tried(sample, reached, options):
        difference = _difference(mutant)
        reason = known.get((mutant.file, difference), "")
        name = f"{reason}, accepted" if reason and outcome is not Outcome.KILLED else outcome.value
        counted[name] += 1
        if counted.total() % 20 == 0:
            print(f"... {counted.total()} of {len(sample)}", flush=True)
        if name == outcome.value != Outcome.KILLED.value:
            print(f"\n{mutant.file}:{mutant.lines[0]}: {name}\n{difference}", flush=True)
    return _report(counted, options)


def _report(counted: Counter[str], options: argparse.Namespace) -> int:
    print("\n" + ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    mattering = sum(counted[outcome.value] for outcome in Outcome)
    rate = counted[Outcome.KILLED.value] / max(1, mattering)
    print(f"killed {rate:.1%} of the {mattering} that matter, seed {options.seed}")
    return int(rate < options.at_least)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--size", type=int, default=100, help="mutants to draw (100)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the sample (the time)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at once (the processors)")
    parser.add_argument("--seconds", type=float, default=600, help="that a trial may take (600)")
    parser.add_argument("--most", type=int, help="tests to run for one mutant, the lightest (all)")
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the paths to draw from")
    parser.add_argument("--leave-out", nargs="*", default=[], help="parts of the paths not to draw from")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="paths of the tests that count (tests)")
    parser.add_argument(
        "--real", nargs="*", default=REAL, help="paths of tests with real servers that count too"
    )
    parser.add_argument(
        "--at-least", type=float, default=0.0, help="fail below this rate of those that matter (0.0)"
    )
    return parser.parse_args()


def _is_drawn(file: str, options: argparse.Namespace) -> bool:
    return any(part in file for part in options.only) and not any(part in file for part in options.leave_out)


def _tried(
    sample: list[Mutant], reached: Reached, options: argparse.Namespace
) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield each mutant with what became of it, as it comes to an end."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        free: SimpleQueue[tuple[Path, Forks]] = SimpleQueue()
        for number in range(options.jobs):
            copy = Path(folder) / str(number)
            copy_checkout(ROOT, copy)
            free.put((copy, Forks(ROOT, [*options.tests, *options.real], options.seconds)))

        def one(mutant: Mutant) -> Outcome:
            copy, forks = free.get()
            try:
                tests = reached.tests(mutant)[: options.most]
                outcome = None if mutant.at_import else forks.try_mutant(mutant, tests)
                if outcome is None or (outcome is Outcome.SURVIVED and reached.runs_at_import(mutant)):
                    changed = mutant.apply((ROOT / mutant.file).read_bytes())
                    return try_mutant(
                        copy, mutant.file, changed, some_of(tests, mutant.file), options.seconds
                    )
                return outcome
            finally:
                free.put((copy, forks))

        running = {pool.submit(one, mutant): mutant for mutant in sample}
        for future in as_completed(running):
            yield running[future], future.result()
        for _ in range(options.jobs):
            free.get()[1].close()


def _difference(mutant: Mutant) -> str:
    source = (ROOT / mutant.file).read_bytes()
    before, after = source.decode().splitlines(), mutant.apply(source).decode().splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
