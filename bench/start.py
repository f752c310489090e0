"""Start: the import, the first request, the memory of a worker and of eight that were forked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.measure import Result, alone, compare, say, take_turns
from bench.memory_of_sessions import anybody
from bench.memory_of_sessions import measure as measure_sessions
from bench.peers.frameworks import plain_wsgi
from bench.peers.ours import settings
from bench.sealed import seal
from bench.worker import NO_PROVIDER
from oidc_gate.settings import Settings
from oidc_gate.wsgi import OIDCGate
from tests.real.process import environment

HEAVY = ("authlib", "requests", "joserfc")
COMPILED = "PYTHONPYCACHEPREFIX"
IMPORTS = {
    "import oidc_gate": "oidc_gate",
    "import oidc_gate.wsgi": "oidc_gate.wsgi",
    "import starlette's two middlewares": "starlette.middleware.sessions, starlette.middleware.authentication",
    "import flask": "flask",
    "import authlib's Flask client": "authlib.integrations.flask_client",
    "import django.core.handlers.wsgi": "django.core.handlers.wsgi, django.contrib.sessions.middleware",
}
_IMPORT = """
import time, sys
start = time.perf_counter(); import {what}
took = time.perf_counter() - start
print(took * 1e3, ",".join(sorted({heavy!r} & sys.modules.keys())))
"""


@dataclass(frozen=True)
class Plan:
    """How much is measured: turns."""

    runs: int


QUICK, FULL = Plan(3), Plan(15)


def measure(plan: Plan, directory: Path) -> tuple[list[Result], list[str]]:
    """Return the results, and what was left out."""
    say("start")
    os.environ[COMPILED] = str(directory / "compiled")
    left_out: list[str] = []
    here = {}
    for name, what in IMPORTS.items():
        try:
            _import(what)
            here[name] = what
        except subprocess.CalledProcessError:
            left_out.append(f"start: {name} fails here")
    turns = take_turns({name: partial(_import_milliseconds, what) for name, what in here.items()}, plan.runs)
    results = []
    for ours in ("import oidc_gate", "import oidc_gate.wsgi"):
        results.append(alone(ours, "ms", turns[ours]))
        results += [
            compare(ours, "ms", turns[ours], turns[peer], peer, more_is_better=False)
            for peer in turns
            if not peer.startswith("import oidc_gate")
        ]
        loaded = _import(IMPORTS[ours])[1]
        results.append(
            alone(f"{ours}: loaded of {', '.join(HEAVY)}", "modules", [len(loaded)], ", ".join(loaded))
        )
    cookie = _cookie()
    for kind in ("wsgi", "asgi"):
        first = [_ask_once(kind, cookie) for _ in range(plan.runs)]
        for figure, unit in (("first request", "ms"), ("memory", "MB"), ("memory without the gate", "MB")):
            results.append(alone(f"{kind}: {figure}", unit, [told[figure] for told in first]))
    eight = _ask_once("forked", cookie)
    results += [alone(f"8 forked workers: {name}", "MB", [value]) for name, value in eight.items()]
    return [*results, *measure_sessions()], left_out


def _import_milliseconds(what: str) -> float:
    return _import(what)[0]


def _import(what: str) -> tuple[float, list[str]]:
    text = _IMPORT.format(what=what, heavy=set(HEAVY))
    took, _, loaded = _run(["-c", text]).strip().partition(" ")
    return float(took), [name for name in loaded.split(",") if name]


def _ask_once(kind: str, cookie: str) -> dict[str, float]:
    told: dict[str, float] = json.loads(_run(["-m", "bench.worker", kind, cookie]))
    return told


def _cookie() -> str:
    gate = OIDCGate(plain_wsgi, Settings.load(environ={}, **settings(NO_PROVIDER, 8000)))
    return seal(gate._runtime, anybody())


def _run(words: list[str]) -> str:
    """Run Python as what is installed runs: compiled before, ours and everybody's."""
    env = environment()
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=60, check=True, env=env
    )
    return done.stdout
