"""What was measured, written down: bench/results.json, and the tables and plots of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.behind_nginx import FIGURES
from bench.measure import Result
from bench.peers import oauth2_proxy
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
        lines += ["", f"## {title}", *_plot(title, part), *_tables(part)]
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
    program, told = oauth2_proxy.binary()
    if program is not None:
        yield f"oauth2-proxy {told}"


def _targets(results: Sequence[Result]) -> list[str]:
    lines = ["| target | measured | |", "|---|---|---|"]
    return lines + [f"| {what} | {measured} | {state} |" for what, measured, state in verdicts(results)]


def _tables(part: Sequence[Result]) -> list[str]:
    cases: dict[str, dict[str, dict[str, str]]] = {}
    rest = []
    for result in part:
        case, _, figure = result.name.rpartition(": ")
        if figure not in FIGURES or result.against == "serve with 1 session":
            rest.append(result)
            continue
        value = result.ours if result.theirs is None else result.theirs
        row = cases.setdefault(case, {}).setdefault(result.against, {})
        row[figure] = _number(value) + (f" ({result.ratio:.2f}x)" if result.ratio else "")
    lines = []
    for case, rows in cases.items():
        heads = [f"{figure} [{unit}]" if unit != figure else figure for figure, (unit, _) in FIGURES.items()]
        lines += ["", f"**{case}** (in brackets: how many times better `serve` is)", ""]
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
    theirs = f"{_number(result.theirs)} {result.unit}" if result.theirs is not None else ""
    ours = f"{_number(result.ours)} {result.unit}"
    return f"| {result.name} | {ours} | {theirs} | {result.against} | {ratio} | {result.spread:.0%} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


# --- plots ----------------------------------------------------------------------------------------------------------

_SHOWN = {
    "Behind Nginx": ("16 connections, 1 session: CPU", "CPU seconds of the auth server for 10,000 verdicts"),
    "In the process": ("seen before, ASGI", "µs that a signed-in request costs more"),
    "Sign-ins": ("CPU of a sign-in", "ms of CPU for one sign-in"),
    "Start": ("import oidc_gate", "ms to import"),
}
_ROW, _LABEL, _WIDTH = 26, 300, 760


def _plot(title: str, part: Sequence[Result]) -> list[str]:
    if title not in _SHOWN:
        return []
    name, caption = _SHOWN[title]
    rows = [result for result in part if result.name == name]
    bars = {"oidc_gate": next((r.ours or 0.0 for r in rows), 0.0)}
    bars |= {r.against: r.theirs for r in rows if r.theirs is not None}
    if len(bars) < 2:
        return []
    file = PLOTS / (title.lower().replace(" ", "-") + ".svg")
    file.write_text(_svg(caption, bars))
    return ["", f"![{caption}]({PLOTS.name}/{file.name})"]


def _svg(caption: str, bars: dict[str, float]) -> str:
    """Return horizontal bars; the shortest is the best."""
    most = max(bars.values())
    height = 44 + _ROW * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="22" font-size="15">{escape(caption)}</text>',
    ]
    for number, (name, value) in enumerate(sorted(bars.items(), key=lambda bar: bar[1])):
        top, length = 36 + _ROW * number, max(1.0, (_WIDTH - _LABEL - 80) * value / most)
        colour = "#1a7f5a" if name == "oidc_gate" else "#9aa5b1"
        lines += [
            f'<text x="{_LABEL - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 8}" fill="{colour}"/>',
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 16}">{_number(value)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
