"""What was measured, written down: bench/results.json, and the tables and plots of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.behind_nginx import FIGURES, ONE_SESSION
from bench.measure import Result
from bench.plots import bars, growth, number
from bench.stage import GO_PROGRAMS
from bench.targets import verdicts

REPOSITORY = Path(__file__).parents[1]
JSON = REPOSITORY / "bench/results.json"
PAGE = REPOSITORY / "docs/performance.md"
PLOTS = REPOSITORY / "docs/performance"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PACKAGES = (
    "uvicorn",
    "uvloop",
    "granian",
    "starlette",
    "flask",
    "django",
    "authlib",
    "starsessions",
    "itsdangerous",
)


def write(sections: dict[str, list[Result]], left_out: Sequence[str], *, mode: str, took: float) -> None:
    """Write everything; what stands in docs/performance.md outside of the marks is left alone."""
    results = [result for part in sections.values() for result in part]
    JSON.write_text(json.dumps([result.as_json() for result in results], indent=1, ensure_ascii=False) + "\n")
    PLOTS.mkdir(exist_ok=True)
    lines = [_circumstances(mode, took), "", *_targets(results)]
    for title, part in sections.items():
        lines += ["", f"## {title}", *bars(title, part, PLOTS), *_tables(part)]
    lines += ["", "## How the cost grows", "", *growth(results, PLOTS)]
    if left_out:
        lines += ["", "## Left out", "", *(f"- {reason}" for reason in left_out)]
    before, _, rest = (PAGE.read_text() if PAGE.exists() else f"# Performance\n\n{BEGIN}{END}\n").partition(
        BEGIN
    )
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")


def _circumstances(mode: str, took: float) -> str:
    with open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"Measured on {time.strftime('%Y-%m-%d')} ({mode} run, {took / 60:.0f} minutes) on {os.cpu_count()} processors "
        f"({model}), Linux {'.'.join(platform.release().split('.')[:2])}, Python {platform.python_version()}; "
        f"{', '.join(_versions())}. "
        f"Load average at the end: {load}."
    )


def _versions() -> Iterable[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    for name, binary in GO_PROGRAMS.items():
        program, told = binary()
        if program is not None:
            yield f"{name} {told}"


def _targets(results: Sequence[Result]) -> list[str]:
    lines = ["| target | measured | |", "|---|---|---|"]
    return lines + [f"| {what} | {measured} | {state} |" for what, measured, state in verdicts(results)]


def _tables(part: Sequence[Result]) -> list[str]:
    cases: dict[str, dict[str, dict[str, str]]] = {}
    rest = []
    for result in part:
        case, _, figure = result.name.rpartition(": ")
        if figure not in FIGURES or result.against == ONE_SESSION:
            rest.append(result)
            continue
        value = result.ours if result.theirs is None else result.theirs
        row = cases.setdefault(case, {}).setdefault(result.against, {})
        row[figure] = number(value) + (f" ({result.ratio:.2f}x)" if result.ratio else "")
    lines = []
    for case, rows in cases.items():
        heads = [f"{figure} [{unit}]" if unit != figure else figure for figure, (unit, _) in FIGURES.items()]
        lines += ["", f"**{case}** (in brackets: how many times better the first line is)", ""]
        lines += ["| |" + "|".join(heads) + "|", "|---|" + "---:|" * len(heads)]
        lines += [
            f"| {who} |" + "|".join(row.get(figure, "") for figure in FIGURES) + "|"
            for who, row in rows.items()
        ]
    if rest:
        lines += ["", "| | ours | theirs | who | times better | spread |", "|---|---:|---:|---|---:|---:|"]
        lines += [_row(result) for result in rest]
    return lines


def _row(result: Result) -> str:
    ratio = f"{result.ratio:.2f}" if result.ratio is not None else ""
    theirs = f"{number(result.theirs)} {result.unit}" if result.theirs is not None else ""
    ours = f"{number(result.ours)} {result.unit}"
    return f"| {result.name} | {ours} | {theirs} | {result.against} | {ratio} | {result.spread:.0%} |"
