"""Behind Nginx: what a verdict costs when `auth_request` asks for it, and how many there are in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.browser import sign_in_often
from bench.load import write_cookies
from bench.measure import Result, alone, compare, memory, say
from bench.peers import nginx, ours
from bench.sealed import sealed_cookies
from bench.stage import (
    APACHE_CACHE,
    APACHE_COOKIE,
    EMPTY,
    EVERYBODY,
    ITSELF,
    PROXY,
    PROXY_1,
    SERVE,
    SERVE_2,
    Stage,
    Turn,
    stage,
)
from oidc_gate import Settings
from oidc_gate.asgi import AuthBackend

PLAIN = "16 connections, 1 session"
FIGURES = {
    "requests/s": ("requests/s", lambda turn: turn.load.rate),
    "p50": ("ms", lambda turn: turn.load.p50),
    "p99": ("ms", lambda turn: turn.load.p99),
    "p99.9": ("ms", lambda turn: turn.load.p999),
    "CPU": ("s for 10,000", lambda turn: turn.cpu),
    "CPU with Nginx": ("s for 10,000", lambda turn: turn.all_cpu),
}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        seconds: Of one load.
        runs: Turns.
        signed_in: How many sessions a peer is signed in for.
        sealed: How many of ours are sealed with our own key.
        connections: How many at once, beside 16.
        groups: How many of the person.
        rules: How many addresses are allowed.
        remembers_all: Whether a cache that holds all the sealed ones is measured too.
    """

    seconds: float
    runs: int
    signed_in: int
    sealed: int
    connections: tuple[int, ...]
    groups: tuple[int, ...]
    rules: tuple[int, ...]
    remembers_all: bool


QUICK = Plan(2, 2, 50, 100_000, (256,), (500,), (1_000,), False)
FULL = Plan(4, 3, 1_000, 100_000, (1, 256, 4_096), (1, 50, 500), (1, 1_000), True)


def measure(plan: Plan, directory: Path) -> tuple[list[Result], list[str]]:
    """Return the results, and what was left out; a part that fails does not take the others with it."""
    results: list[Result] = []
    left_out: list[str] = []

    def add(part: Callable[..., list[Result]], *given: Any, **settings: Any) -> None:
        try:
            results.extend(part(*given, **settings))
        except (RuntimeError, OSError) as error:
            left_out.append(f"behind Nginx, {part.__name__.strip('_')}: {str(error)[:200]}")

    with stage(directory / "all", names=EVERYBODY) as full:
        add(_side_by_side, full, plan)
        add(_connections, full, plan)
        add(_sessions, full, plan)
        add(_sealed, full, plan, "")
        left_out += full.left_out
    for groups in plan.groups:
        add(_variant, plan, directory, f"{groups} groups", (SERVE, PROXY_1), left_out, groups=groups)
    for rules in plan.rules:
        allowed = (*(f"somebody.{n}@example.com" for n in range(rules - 1)), "jane.doe@example.com")
        add(_variant, plan, directory, f"{rules} rules", (SERVE,), left_out, allowed_emails=allowed)
    if plan.remembers_all:
        add(_all_remembered, plan, directory)
    return results, left_out


def _all_remembered(plan: Plan, directory: Path) -> list[Result]:
    room = {"session_cache_entries": 3 * plan.sealed, "session_cache_bytes": plan.sealed * 12_000}
    with stage(directory / "remembered", names=(SERVE,), **room) as large:
        return _sealed(large, plan, ", all remembered", warming_up=plan.sealed / 4_000)


def _side_by_side(full: Stage, plan: Plan) -> list[Result]:
    names = [*EVERYBODY, nginx.STUB, nginx.OPEN, APACHE_COOKIE + ITSELF, APACHE_CACHE + ITSELF]
    full.play_all(names, PLAIN, runs=plan.runs, seconds=plan.seconds)
    return _table(full, PLAIN)


def _connections(full: Stage, plan: Plan) -> list[Result]:
    results = []
    names = [SERVE, SERVE_2, EMPTY, PROXY_1, PROXY, APACHE_COOKIE + ITSELF, nginx.STUB]
    for count in plan.connections:
        case = f"{count:,} connections, 1 session"
        full.play_all(names, case, runs=plan.runs, seconds=plan.seconds, connections=count)
        results += _table(full, case)
    return results


def _sessions(full: Stage, plan: Plan) -> list[Result]:
    say(f"signing in {plan.signed_in} times at each peer")
    many = {}
    for name in (SERVE, PROXY_1, APACHE_COOKIE):
        if name in full.backends:
            signed_in = sign_in_often(full.backends[name].sign_in_url, plan.signed_in)
            many[name] = write_cookies(full.directory, "many-" + ours.slug(name), signed_in)
    case = f"16 connections, {plan.signed_in:,} sessions"
    names = [SERVE, PROXY_1, APACHE_COOKIE + ITSELF]
    full.play_all(names, case, runs=plan.runs, seconds=plan.seconds, cookies=many)
    return _table(full, case)


def _sealed(full: Stage, plan: Plan, how: str, *, warming_up: float = 1) -> list[Result]:
    """Ours alone: many sessions, one after another, in turns with a single one.

    Args:
        how: What is said of the sessions.
        warming_up: Seconds; for a cache that holds them all, enough to see every one.
    """
    backend = full.backends[SERVE]
    settings = Settings.load(environ={}, **ours.settings(full.issuer, backend.port))
    engine = AuthBackend(settings)._backends.at("").engine
    cookies = sealed_cookies(engine, full.cookies[SERVE].read_text().strip(), plan.sealed)
    many, one = write_cookies(full.directory, "sealed", cookies), full.cookies[SERVE]
    name = f"{plan.sealed:,} sessions{how}"
    say(name)
    before = memory(backend.leader)["Pss"] / 1e6
    full.play(SERVE, "", many, 16, warming_up)
    for _ in range(plan.runs):
        full.play(SERVE, name, many, 16, plan.seconds)
        full.play(SERVE, f"one beside {name}", one, 16, plan.seconds)
    after = memory(backend.leader)["Pss"] / 1e6
    costs, single = full.values(name, SERVE, _cpu), full.values(f"one beside {name}", SERVE, _cpu)
    return [
        compare(f"{name}: CPU", "s for 10,000", costs, single, "serve with 1 session", more_is_better=False),
        alone(f"{name}: memory of serve before", "MB", [before]),
        alone(f"{name}: memory of serve after", "MB", [after]),
    ]


def _variant(
    plan: Plan, directory: Path, case: str, names: tuple[str, ...], left_out: list[str], *,
    groups: int = 8, **settings: Any,
) -> list[Result]:  # fmt: skip
    with stage(directory / ours.slug(case), names=names, groups=groups, **settings) as small:
        small.play_all([*names, nginx.STUB], case, runs=plan.runs, seconds=plan.seconds)
        left_out += small.left_out
        return _table(small, case)


def _table(stage: Stage, case: str) -> list[Result]:
    """Return every figure of everybody, beside that of `serve`."""
    results = []
    for figure, (unit, of) in FIGURES.items():
        mine = stage.values(case, SERVE, of)
        results.append(alone(f"{case}: {figure}", unit, mine, SERVE))
        for peer in stage.played(case):
            if peer != SERVE and mine:
                theirs = stage.values(case, peer, of)
                better = figure == "requests/s"
                results.append(compare(f"{case}: {figure}", unit, mine, theirs, peer, more_is_better=better))
    return results


def _cpu(turn: Turn) -> float:
    return turn.cpu
