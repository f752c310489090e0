"""Plots of what was measured, as SVG without a library: bars side by side, and lines of how something grows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.behind_nginx import ONE_SESSION, PLAIN
from bench.measure import Result
from bench.stage import SERVE

_BARS = {
    "Behind Nginx": ("16 connections, 1 session: CPU", "CPU seconds of the auth server for 10,000 verdicts"),
    "In the process": ("seen before, ASGI", "µs that a signed-in request costs more"),
    "Sign-ins": ("CPU of a sign-in", "ms of CPU for one sign-in"),
    "Start": ("import oidc_gate", "ms to import"),
}
_ROW, _LABEL, _WIDTH = 26, 300, 760
_OURS = "#1a7f5a"
_OTHERS = ("#6b7785", "#b0653a", "#4a6fa5", "#8a5a9e", "#a08a2e", "#c2577f", "#2e8fa0", "#333")


@dataclass(frozen=True)
class Growth:
    """One picture of how something grows.

    Args:
        along: What the numbers are of.
        names: The results that are points of it; the group is the number.
        who: Which contestants, the group being the number in place of that of the name.
    """

    file: str
    caption: str
    along: str
    names: str
    who: str = ""

    def point(self, result: Result) -> tuple[str, int, float] | None:
        """Return whose point a result is, and where it stands; None if it is none of this picture."""
        found = re.fullmatch(self.names, result.name)
        mine = result.theirs is None or result.against == ONE_SESSION
        value = result.ours if mine else result.theirs
        if found is None or value is None:
            return None
        who = SERVE if mine else result.against
        if not self.who:
            return who, int(found[1].replace(",", "")), value
        counted = re.fullmatch(self.who, who)
        return (SERVE, int(counted[1] or 1), value) if counted else None


GROWTHS = (
    Growth("sessions", "requests/s behind Nginx", "different sessions, one after another",
           r"(?:16 connections, )?([\d,]+) sessions?: requests/s"),
    Growth("connections", "requests/s behind Nginx", "connections", r"([\d,]+) connections, 1 session: requests/s"),
    Growth("groups", "requests/s behind Nginx", "groups of the person", r"([\d,]+) groups: requests/s"),
    Growth("rules", "requests/s behind Nginx", "rules", r"([\d,]+) rules: requests/s"),
    Growth("workers", "requests/s behind Nginx", "workers of serve, on two processors",
           re.escape(PLAIN) + ": requests/s", r"serve(?:, (\d+) workers)?"),
    Growth("first-sight", "µs in the process for a cookie at first sight", "groups of the person",
           r"first sight, ([\d,]+) groups"),
    Growth("public-paths", "µs in the process for a public path", "rules", r"public path, ([\d,]+) rules"),
)  # fmt: skip


def bars(title: str, part: Sequence[Result], directory: Path) -> list[str]:
    """Draw the bars of a section, and return the lines that show them."""
    if title not in _BARS:
        return []
    name, caption = _BARS[title]
    rows = [result for result in part if result.name == name]
    values = {"oidc_gate": next((r.ours or 0.0 for r in rows), 0.0)}
    values |= {r.against: r.theirs for r in rows if r.theirs is not None}
    if len(values) < 2:
        return []
    return [
        "",
        _written(directory / (title.lower().replace(" ", "-") + ".svg"), caption, _bars(caption, values)),
    ]


def growth(results: Sequence[Result], directory: Path) -> list[str]:
    """Draw how the cost grows along everything that was measured at three numbers or more; return the lines."""
    lines = []
    for each in GROWTHS:
        series: dict[str, dict[int, float]] = {}
        for found in filter(None, map(each.point, results)):
            series.setdefault(found[0], {})[found[1]] = found[2]
        series = {who: points for who, points in series.items() if len(points) > 1}
        if any(len(points) > 2 for points in series.values()):
            caption = f"{each.caption}, by {each.along}"
            lines += [_written(directory / f"by-{each.file}.svg", caption, _lines(caption, series)), ""]
    return lines


def number(value: float | None) -> str:
    """Return a number as people read it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _written(file: Path, caption: str, content: Iterable[str]) -> str:
    file.write_text("\n".join([*content, "</svg>", ""]))
    return f"![{caption}]({file.parent.name}/{file.name})"


def _paper(caption: str, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="22" font-size="15">{escape(caption)}</text>',
    ]


def _bars(caption: str, values: dict[str, float]) -> list[str]:
    """Return horizontal bars; the shortest is the best."""
    most = max(values.values())
    lines = _paper(caption, 44 + _ROW * len(values))
    for row, (name, value) in enumerate(sorted(values.items(), key=lambda bar: bar[1])):
        top, length = 36 + _ROW * row, max(1.0, (_WIDTH - _LABEL - 80) * value / most)
        colour = _OURS if name == "oidc_gate" else "#9aa5b1"
        lines += [
            f'<text x="{_LABEL - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 8}" fill="{colour}"/>',
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 16}">{number(value)}</text>',
        ]
    return lines


def _lines(caption: str, series: dict[str, dict[int, float]]) -> list[str]:
    """Return one line for each contestant: numbers along the way on a logarithmic scale, values from zero."""
    left, right, top, bottom = 70, _WIDTH - 260, 40, 330
    numbers = sorted({at for points in series.values() for at in points})
    most = 4 * _round(max(value for points in series.values() for value in points.values()) / 4)
    widest = math.log(numbers[-1] / numbers[0])

    def place(at: int, value: float) -> tuple[float, float]:
        along = math.log(at / numbers[0]) / widest
        return left + (right - left) * along, bottom - (bottom - top) * value / most

    lines = _paper(caption, bottom + 40)
    for part in range(5):
        value = most * part / 4
        y = place(numbers[0], value)[1]
        lines += [
            f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e7eb"/>',
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{number(value)}</text>',
        ]
    for at in numbers:
        x = place(at, 0)[0]
        lines.append(f'<text x="{x:.1f}" y="{bottom + 22}" text-anchor="middle" fill="#555">{at:,}</text>')
    ends = _apart({who: place(max(points), points[max(points)])[1] for who, points in series.items()})
    colours = iter(_OTHERS * 4)
    for who, points in series.items():
        colour = _OURS if who == SERVE else next(colours)
        way = [place(at, points[at]) for at in sorted(points)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
        lines.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in way]
        lines.append(f'<text x="{right + 10}" y="{ends[who] + 4:.1f}" fill="{colour}">{escape(who)}</text>')
    return lines


def _round(value: float) -> float:
    """Return the next number up that is easily read."""
    unit = 10.0 ** math.floor(math.log10(value))
    return unit * next(step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * unit >= value)


def _apart(heights: dict[str, float], least: float = 16) -> dict[str, float]:
    """Return where the names stand, so that none stands on another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for who, height in sorted(heights.items(), key=lambda pair: pair[1]):
        lowest = placed[who] = max(height, lowest + least)
    return placed
