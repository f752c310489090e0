"""A worker, from nothing to its first answer, telling what it took: `python -m bench.worker wsgi|asgi|forked COOKIE`.

Nothing of the gate is imported before the clock runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from bench.measure import smaps
from bench.peers.frameworks import ask_asgi, ask_wsgi, plain_asgi, plain_wsgi
from bench.peers.ours import settings

WORKERS, REQUESTS = 8, 200
NO_PROVIDER = "http://127.0.0.1:9"


def resident() -> float:
    """Return the resident memory of this process, MB."""
    return smaps(os.getpid()).get("Rss", 0) / 1e6


def one(kind: str, cookie: str) -> dict[str, float]:
    """Return what the first request took: the import, the gate, one cookie seen for the first time."""
    without = resident()
    started = time.perf_counter()
    _gated(kind, cookie)()
    took = time.perf_counter() - started
    return {"first request": took * 1e3, "memory": resident(), "memory without the gate": without}


def forked(cookie: str) -> dict[str, float]:
    """Return the memory of workers that were forked from one process with the gate in it, after some requests."""
    call = _gated("wsgi", cookie)
    pipes = [(os.pipe(), os.pipe()) for _ in range(WORKERS)]
    children = [_fork(call, ready, end) for ready, end in pipes]
    for ready, _ in pipes:
        os.read(ready[0], 1)
    sizes = [smaps(pid) for pid in [os.getpid(), *children]]
    for _, end in pipes:
        os.write(end[1], b".")
    for pid in children:
        os.waitpid(pid, 0)
    resident = sum(size["Rss"] for size in sizes[1:])
    own = sum(size["Private_Dirty"] + size["Private_Clean"] for size in sizes[1:])
    return {
        "proportional memory, with their parent": sum(size["Pss"] for size in sizes) / 1e6,
        "resident memory, pages that they share counted for each": resident / 1e6,
        "memory of its own, of each": own / WORKERS / 1e6,
    }


def _fork(call: Callable[[], object], ready: tuple[int, int], end: tuple[int, int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    for _ in range(REQUESTS):
        call()
    os.write(ready[1], b".")
    os.read(end[0], 1)
    os._exit(0)


def _gated(kind: str, cookie: str) -> Callable[[], object]:
    from oidc_gate import OIDCGate, Settings

    given = Settings.load(environ={}, **settings(NO_PROVIDER, 8000))
    if kind == "wsgi":
        return ask_wsgi(OIDCGate(plain_wsgi, given, interface="wsgi"), cookie)
    return ask_asgi(OIDCGate(plain_asgi, given, interface="asgi"), cookie)


if __name__ == "__main__":
    kind, cookie = sys.argv[1:]
    sys.stdout.write(json.dumps(forked(cookie) if kind == "forked" else one(kind, cookie)))
