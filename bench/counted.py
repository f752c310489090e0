"""One subject, so many requests, for callgrind to count: `python -m bench.counted NAME with|without COUNT FILE`."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from bench.subjects import OURS, PEERS, Given

WARMING_UP = 30


def main(name: str, which: str, count: str, file: str) -> None:
    """Make the subject, warm it up, and ask it, or the trivial application alone, `count` times."""
    given = Given(**json.loads(Path(file).read_text()))
    without, with_it = {**OURS, **PEERS}[name](given)
    for _ in range(WARMING_UP):
        without()
        with_it()
    call = with_it if which == "with" else without
    gc.disable()
    for _ in range(int(count)):
        call()


if __name__ == "__main__":
    main(*sys.argv[1:])
