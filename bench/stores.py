"""`python -m bench.stores [--sessions 10000]`: what a session costs with each store.

All of it is measured in one process, whose contestants take turns; the times are those of the clock on the wall for
what waits for a store, and of the processor for what does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.measure import microseconds, say, take_turns
from bench.memory_of_sessions import anybody
from bench.peers import ours
from bench.peers.frameworks import ask_wsgi, plain_wsgi
from bench.sealed import seal
from bench.worker import NO_PROVIDER
from oidc_gate.errors import SessionError
from oidc_gate.runtime.driver import run
from oidc_gate.settings import Settings
from oidc_gate.wsgi import OIDCGate
from tests.real.redis_server import client_of, redis_server

TURNS = 5
FIRST_SIGHTS = 1_000
SIGN_OUTS = 100
_FILES = ("", "-wal", "-shm", "-stamp")


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.stores", description=main.__doc__)
    parser.add_argument(
        "--sessions", type=int, default=10_000, help="how many are kept to measure their size"
    )
    count = parser.parse_args().sessions
    with tempfile.TemporaryDirectory(prefix="oidc_gate-stores-") as room, ExitStack() as stack:
        redis = stack.enter_context(redis_server(directory=Path(room)))
        urls = {
            "cookie": "cookie",
            "SQLite": f"sqlite://{room}/sessions.db",
            "Redis": f"redis://127.0.0.1:{redis.port}",
        }
        gates = {name: _gate(url) for name, url in urls.items()}
        _warm(gates)
        _cold(gates)
        for name in ("SQLite", "Redis"):
            _sign_outs(name, urls[name])
        _memory(urls, Path(room), redis.port, count)
    return 0


def _gate(url: str) -> OIDCGate:
    given = ours.settings(NO_PROVIDER, 8000) | {"session_store": url}
    return OIDCGate(
        plain_wsgi,
        Settings.load(environ={}, **given, session_cache_bytes=64 * 1024**3, session_cache_entries=10**7),
    )


def _warm(gates: dict[str, OIDCGate]) -> None:
    calls = {}
    for name, gate in gates.items():
        calls[name] = ask_wsgi(gate, seal(gate._runtime, anybody()))
        for _ in range(50):
            calls[name]()
    without = ask_wsgi(plain_wsgi, "")
    turns = take_turns(
        {"": lambda: microseconds(without)}
        | {name: (lambda call=call: microseconds(call)) for name, call in calls.items()},
        TURNS,
    )
    for name in gates:
        whole = [mine / theirs for mine, theirs in zip(turns[name], turns["cookie"], strict=True)]
        added = statistics.median(mine - base for mine, base in zip(turns[name], turns[""], strict=True))
        ratio, spread = statistics.median(whole), max(whole) - min(whole)
        print(
            f"seen a moment ago, {name:10} {added:8.2f} µs added; request {ratio:.3f} of cookie, spread {spread:.3f}"
        )


def _cold(gates: dict[str, OIDCGate]) -> None:
    asks: dict[str, Callable[[], float]] = {}
    for name, gate in gates.items():
        cookies = [seal(gate._runtime, anybody(1_000 + number)) for number in range(FIRST_SIGHTS)]
        asks[name] = _first_sights(gate, cookies)
    for name, values in take_turns(asks, TURNS).items():
        low, high = min(values), max(values)
        print(f"first sight, {name:10} p50 {statistics.median(values):8.0f} µs ({low:.0f} to {high:.0f})")


def _first_sights(gate: OIDCGate, cookies: list[str]) -> Callable[[], float]:
    calls = [ask_wsgi(gate, cookie) for cookie in cookies]

    def measure() -> float:
        gate._runtime.gate.components.cache.clear()
        times = []
        for call in calls:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1e6

    return measure


def _sign_outs(name: str, url: str) -> None:
    """Measure from the answer to a sign-out until another process would refuse the session."""
    one, sessions = _gate(url)._runtime, [anybody(200_000 + number) for number in range(SIGN_OUTS)]
    cookies = [seal(one, session) for session in sessions]
    with _other_process(url, cookies) as ask:
        times = []
        for number, session in enumerate(sessions):
            ask(number)  # it is seen, and remembered
            ask(number)
            run(one.gate.components.sessions.end(session), one.world, _no_body)
            answered = time.perf_counter()
            while ask(number):
                pass
            times.append(time.perf_counter() - answered)
    found = statistics.quantiles(times, n=100)
    print(
        f"sign-out to refusal in another process, {name:8} p50 {found[49] * 1e3:.2f} ms, p99 {found[98] * 1e3:.2f} ms"
    )


@contextmanager
def _other_process(url: str, cookies: list[str]) -> Iterator[Callable[[int], bool]]:
    """Fork a process that says whether a session counts, over two pipes."""
    to_child, from_child = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(to_child[1])
        runtime = _gate(url)._runtime
        while word := os.read(to_child[0], 4):
            cookie = cookies[int.from_bytes(word, "big")]
            os.write(from_child[1], b"\1" if _counts(runtime, cookie) else b"\0")
        os._exit(0)

    def ask(number: int) -> bool:
        os.write(to_child[1], number.to_bytes(4, "big"))
        return os.read(from_child[0], 1) == b"\1"

    try:
        yield ask
    finally:
        os.close(to_child[1])
        os.waitpid(pid, 0)


def _counts(runtime: Any, cookie: str) -> bool:
    if runtime.find(cookie)[0] is not None:
        return True
    try:
        run(runtime.gate.components.sessions.read(cookie), runtime.world, _no_body)
    except SessionError:
        return False
    return True


def _memory(urls: dict[str, str], room: Path, redis_port: int, count: int) -> None:
    """Measure what `count` sessions take where they are kept, and how long it takes to look one of them up."""
    for name in ("SQLite", "Redis"):
        runtime = _gate(urls[name])._runtime
        before = _size(name, room, redis_port)
        say(f"{count:,} sessions in {name}")
        began = time.perf_counter()
        cookies = [seal(runtime, anybody(300_000 + number)) for number in range(count)]
        wrote = time.perf_counter() - began
        size = (_size(name, room, redis_port) - before) / count
        times = []
        for cookie in cookies[:: max(1, count // FIRST_SIGHTS)]:
            began = time.perf_counter()
            run(runtime.gate.components.sessions.read(cookie), runtime.world, _no_body)
            times.append(time.perf_counter() - began)
        print(
            f"{count:,} sessions, {name:8} {size:8.0f} bytes each, {count / wrote:,.0f} written a second,"
            f" look-up p50 {statistics.median(times) * 1e6:.0f} µs"
        )


def _size(name: str, room: Path, redis_port: int) -> int:
    if name == "Redis":
        with client_of(redis_port) as client:
            return int(client.info("memory")["used_memory"])
    paths = (room / f"sessions.db{suffix}" for suffix in _FILES[:2])
    return sum(path.stat().st_size for path in paths if path.exists())


def _no_body(limit: int) -> bytes:
    return b""


if __name__ == "__main__":
    sys.exit(main())
