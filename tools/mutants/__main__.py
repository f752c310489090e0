"""Draw a sample of mutants of src, try each, and print the survivors: `python -m tools.mutants --size 200 --seed 7`."""

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

from tools.mutants.mutations import Mutant, mutants_of
from tools.mutants.reached import Reached
from tools.mutants.trial import Outcome, copy_checkout, try_mutant

ROOT = Path(__file__).parents[2]
DATA = ROOT / "artifacts/mutants/coverage"


def main() -> int:
    """Return the exit status: 0 if the kill rate is what `--at-least` asks for."""
    options = _options()
    reached = Reached(ROOT, DATA, options.tests)
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.py"))
    everything = [mutant for file in files if _is_drawn(file, options) for mutant in mutants_of(ROOT, file)]
    sample = random.Random(options.seed).sample(everything, min(options.size, len(everything)))
    print(f"{len(sample)} of {len(everything)} mutants, seed {options.seed}", flush=True)
    counted: Counter[Outcome] = Counter()
    for mutant, outcome in _tried(sample, reached, options):
        counted[outcome] += 1
        if sum(counted.values()) % 20 == 0:
            print(f"... {sum(counted.values())} of {len(sample)}", flush=True)
        if outcome is not Outcome.KILLED:
            print(f"\n{mutant.file}:{mutant.lines[0]}: {outcome.value}\n{_diff(mutant)}", flush=True)
    rate = counted[Outcome.KILLED] / max(1, len(sample))
    print("\n" + ", ".join(f"{outcome.value} {counted[outcome]}" for outcome in Outcome))
    print(f"kill rate {rate:.1%}, seed {options.seed}")
    return int(rate < options.at_least)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--size", type=int, default=100, help="mutants to draw (100)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the sample (the time)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at once (the processors)")
    parser.add_argument("--seconds", type=float, default=600, help="that a trial may take (600)")
    parser.add_argument("--only", default="", help="part of the paths to draw from")
    parser.add_argument("--leave-out", nargs="*", default=[], help="parts of the paths not to draw from")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="paths of the tests that count (tests)")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this kill rate (0.0)")
    return parser.parse_args()


def _is_drawn(file: str, options: argparse.Namespace) -> bool:
    return options.only in file and not any(part in file for part in options.leave_out)


def _tried(
    sample: list[Mutant], reached: Reached, options: argparse.Namespace
) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield each mutant with what became of it, as it comes to an end."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            copy = Path(folder) / str(number)
            copy_checkout(ROOT, copy)
            free.put(copy)

        def one(mutant: Mutant) -> Outcome:
            copy = free.get()
            try:
                changed = mutant.apply((ROOT / mutant.file).read_bytes())
                tests = reached.tests(mutant)
                return try_mutant(copy, mutant.file, changed, tests, options.seconds)
            finally:
                free.put(copy)

        running = {pool.submit(one, mutant): mutant for mutant in sample}
        for future in as_completed(running):
            yield running[future], future.result()


def _diff(mutant: Mutant) -> str:
    source = (ROOT / mutant.file).read_bytes()
    before, after = source.decode().splitlines(), mutant.apply(source).decode().splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
