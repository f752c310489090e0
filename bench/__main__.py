"""`python -m bench [--quick] [--only SECTION] [--session-store URL]`: measure, and write down what came of it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import behind_nginx, in_process, install, report, sign_ins, start
from bench.measure import Result, say
from bench.peers import ours

SECTIONS: dict[str, Any] = {
    "In the process": in_process,
    "Behind Nginx": behind_nginx,
    "Sign-ins": sign_ins,
    "Start": start,
}


def main() -> int:
    """Measure every section; one that fails is named, and does not take the others with it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes in place of twenty; more noise")
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="only this section; nothing is written"
    )
    parser.add_argument("--session-store", default="cookie", help="where our gates keep sessions (cookie)")
    given = parser.parse_args()
    os.environ[ours.STORE] = given.session_store
    mode = "QUICK" if given.quick else "FULL"
    begun = time.monotonic()
    left_out = install.everything()
    sections: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="oidc_gate-bench-") as room:
        os.chmod(room, 0o755)
        for title, section in SECTIONS.items():
            if not given.only or title in given.only:
                sections[title] = _measured(
                    title, section.measure, getattr(section, mode), Path(room), left_out
                )
    for title, results in sections.items():
        for result in results:
            print(_line(title, result))
    for reason in left_out:
        print(f"left out: {reason}")
    if given.only:
        return 0
    report.write(sections, left_out, mode=mode.lower(), took=time.monotonic() - begun)
    say(f"written: {report.JSON.name}, {report.PAGE.name}; {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0 if all(sections.values()) else 1


def _measured(
    title: str, measure: Callable[[Any, Path], tuple[list[Result], list[str]]], plan: Any, room: Path,
    left_out: list[str],
) -> list[Result]:  # fmt: skip
    place = room / title.replace(" ", "-")
    place.mkdir()
    try:
        results, missing = measure(plan, place)
    except Exception:
        traceback.print_exc()
        left_out.append(f"{title}: it failed; the end of its trace stands in the output")
        return []
    left_out += [reason for reason in missing if reason not in left_out]
    return results


def _line(title: str, result: Result) -> str:
    ratio = f"{result.ratio:7.2f}x" if result.ratio is not None else " " * 8
    theirs = f"{result.theirs:12.3f}" if result.theirs is not None else " " * 12
    return f"{title:15}{result.name:70}{result.ours:12.3f}{theirs} {result.unit:14}{ratio}  {result.against}"


if __name__ == "__main__":
    sys.exit(main())
