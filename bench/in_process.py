"""In the process: what sign-in adds to one request of a trivial application, without any server."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from bench.browser import sign_in_often
from bench.measure import Result, alone, compare, microseconds, say, take_turns
from bench.peers import frameworks, ours
from bench.peers.frameworks import Pair, plain_wsgi
from bench.provider import CLIENT_ID, CLIENT_SECRET, provider
from bench.sealed import session_of
from bench.subjects import GROWING, ITSDANGEROUS, OURS, PEERS, STARLETTE, Given
from oidc_gate.settings import Settings
from oidc_gate.wsgi import OIDCGate
from tests.real.components import SEARCH_PATH
from tests.real.ports import free_port
from tests.real.process import environment

AUTHLIB = "Authlib's Flask client"
SEEN, FIRST = "seen before", "first sight"
COUNTED = ("seen before, WSGI", "seen before, ASGI", "first sight, ASGI", STARLETTE, ITSDANGEROUS)


@dataclass(frozen=True)
class Plan:
    """How much is measured: turns, and the requests whose instructions are counted (0: none are)."""

    runs: int
    counted: int


QUICK, FULL = Plan(2, 0), Plan(7, 300)


def measure(plan: Plan, directory: Path) -> tuple[list[Result], list[str]]:
    """Return the results, and what was left out."""
    say("in the process")
    left_out: list[str] = []
    with signed_in(directory) as (given, cookie_of, client):
        makers: dict[str, Callable[[], Pair]] = {
            name: partial(make, given) for name, make in {**OURS, **GROWING, **PEERS}.items()
        }
        makers[AUTHLIB] = lambda: frameworks.authlib_flask(cookie_of, client)
        pairs = {}
        for name, make in makers.items():
            try:
                pairs[name] = make()
                _warm_up(pairs[name])
            except (ImportError, RuntimeError) as error:
                left_out.append(f"in the process, {name}: {error}")
        turns = take_turns({name: partial(_added, pair) for name, pair in pairs.items()}, plan.runs)
        results = [*_compare(turns), *_allocations(pairs)]
        if plan.counted:
            results += _instructions(given, directory, plan.counted, left_out)
    return results, left_out


def _warm_up(pair: Pair) -> None:
    for call in pair:
        for _ in range(50):
            call()


def _added(pair: Pair) -> float:
    without, with_it = pair
    return max(microseconds(with_it) - microseconds(without), 0.001)


def _compare(turns: dict[str, list[float]]) -> list[Result]:
    results = []
    for name in (*OURS, *GROWING):
        if name not in turns:
            continue
        results.append(alone(name, "µs", turns[name]))
        kind = name.rpartition(", ")[0] if name in OURS else ""
        peers = {
            SEEN: [peer for peer in turns if peer in PEERS or peer == AUTHLIB],
            FIRST: [ITSDANGEROUS, "one AES-GCM open"],
        }.get(kind, [])
        results += [
            compare(name, "µs", turns[name], turns[peer], peer, more_is_better=False)
            for peer in peers
            if peer in turns
        ]
    return results


def _allocations(pairs: dict[str, Pair]) -> list[Result]:
    """Return how many bytes one request holds at its peak, beyond the same request without sign-in."""
    peaks = {}
    for name in (*OURS, STARLETTE, "Flask session", ITSDANGEROUS):
        if name in pairs:
            without, with_it = pairs[name]
            peaks[name] = max(_peak(with_it) - _peak(without), 1)
    results = []
    for name in OURS:
        if name in peaks and STARLETTE in peaks:
            what, mine, theirs = f"{name}: memory at the peak", [peaks[name]], [peaks[STARLETTE]]
            results.append(compare(what, "bytes", mine, theirs, STARLETTE, more_is_better=False))
    return results


def _peak(call: Callable[[], object]) -> int:
    tracemalloc.start()
    for _ in range(20):
        call()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    call()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def _instructions(given: Given, directory: Path, count: int, left_out: list[str]) -> list[Result]:
    """Return the instructions that one request takes more; a busy machine does not change how many they are."""
    if shutil.which("valgrind", path=SEARCH_PATH) is None:
        left_out.append("instructions: valgrind is not installed")
        return []
    say("counting instructions")
    file = directory / "given.json"
    file.write_text(json.dumps(asdict(given)))
    counted = {}
    for name in COUNTED:
        try:
            counted[name] = (_count(name, "with", count, file) - _count(name, "without", count, file)) / count
        except (subprocess.SubprocessError, ValueError) as error:
            left_out.append(f"instructions, {name}: {type(error).__name__}")
    results = []
    for name in COUNTED[:3]:
        peer = ITSDANGEROUS if name.startswith(FIRST) else STARLETTE
        if name in counted and peer in counted:
            what, mine, theirs = f"{name}: instructions", [counted[name]], [counted[peer]]
            results.append(compare(what, "instructions", mine, theirs, peer, more_is_better=False))
    return results


def _count(name: str, which: str, count: int, file: Path) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words = [*valgrind, sys.executable, "-m", "bench.counted", name, which, str(count), str(file)]
    env = environment({"PYTHONHASHSEED": "0"})
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=True, env=env)
    (line,) = [line for line in done.stderr.splitlines() if "Collected" in line]
    return int(line.rpartition(":")[2])


@contextmanager
def signed_in(directory: Path) -> Iterator[tuple[Given, Callable[[Any], str], dict[str, str]]]:
    """Sign in for real at a gate in this process.

    Returns:
        What the subjects are made of; what serves any application and signs in there; a client for Authlib.
    """
    port = free_port()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with provider([ours.redirect_uri(port)], directory=directory) as op:
        settings = ours.settings(op.issuer, port)
        gate = OIDCGate(plain_wsgi, Settings.load(environ={}, **settings))
        cookie_of = partial(_cookie_of, port)
        cookie = cookie_of(gate)
        who = session_of(gate._runtime, cookie).identity
        claims = {
            "sub": who.subject, "email": who.email, "email_verified": who.email_verified, "name": who.name,
            "preferred_username": who.preferred_username, "groups": list(who.groups), **who.claims,
        }  # fmt: skip
        client = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": op.issuer + "/.well-known/openid-configuration",
        }
        yield Given(settings, cookie, claims), cookie_of, client


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


def _cookie_of(port: int, app: Any) -> str:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        return sign_in_often(f"http://127.0.0.1:{port}/oauth2/start?rd=/", 1)[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
