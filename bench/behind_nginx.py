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
    APACHE_REDIS,
    EMPTY,
    EVERYBODY,
    ITSELF,
    PROXY,
    PROXY_1,
    SERVE,
    SERVE_2,
    SERVE_REDIS,
    STORED,
    VOUCH_1,
    Stage,
    stage,
)
from oidc_gate import Settings
from oidc_gate.asgi import AuthBackend
from tests.real.redis_server import redis_server

PLAIN = "16 connections, 1 session"
IN_STORES = "16 connections, sessions in stores"
ONE_SESSION = "serve with 1 session"
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
        sealed: How many different sessions of ours, sealed with our own key, come one after another.
        connections: How many at once, beside 16.
        groups: How many of the person.
        rules: How many addresses are allowed.
    """

    seconds: float
    runs: int
    signed_in: int
    sealed: tuple[int, ...]
    connections: tuple[int, ...]
    groups: tuple[int, ...]
    rules: tuple[int, ...]


MANY = 100_000
QUICK = Plan(2, 2, 50, (MANY,), (256,), (500,), (1_000,))
FULL = Plan(
    4, 3, 1_000, (1_000, 10_000, MANY, 200_000), (1, 256, 4_096), (1, 50, 200, 500), (1, 10, 100, 1_000)
)


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
        left_out += full.left_out
    with stage(directory / "sealed", names=(SERVE,)) as ours_alone:
        add(_sealed, ours_alone, plan)
    add(_stores, plan, directory, left_out)
    for groups in plan.groups:
        add(_variant, plan, directory, f"{groups} groups", (SERVE, PROXY_1), left_out, groups=groups)
    for rules in plan.rules:
        allowed = (*(f"somebody.{n}@example.com" for n in range(rules - 1)), "jane.doe@example.com")
        add(_variant, plan, directory, f"{rules} rules", (SERVE,), left_out, allowed_emails=allowed)
    return results, left_out


def _side_by_side(full: Stage, plan: Plan) -> list[Result]:
    names = [*EVERYBODY, nginx.STUB, nginx.OPEN, APACHE_COOKIE + ITSELF, APACHE_CACHE + ITSELF]
    full.play_all(names, PLAIN, runs=plan.runs, seconds=plan.seconds)
    return _table(full, PLAIN)


def _connections(full: Stage, plan: Plan) -> list[Result]:
    results = []
    names = [SERVE, SERVE_2, EMPTY, PROXY_1, PROXY, VOUCH_1, APACHE_COOKIE + ITSELF, nginx.STUB]
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


def _stores(plan: Plan, directory: Path, left_out: list[str]) -> list[Result]:
    """Measure those that keep sessions in SQLite, in Redis or in shared memory."""
    directory = directory / "stores"
    directory.mkdir()
    with (
        redis_server(directory=directory) as redis,
        stage(directory, names=STORED, redis=f"127.0.0.1:{redis.port}") as stored,
    ):
        many = {}
        for name, backend in stored.backends.items():
            signed_in = sign_in_often(backend.sign_in_url, plan.signed_in)
            many[name] = write_cookies(stored.directory, "many-" + ours.slug(name), signed_in)
        names = [name + ITSELF if name in (APACHE_CACHE, APACHE_REDIS) else name for name in STORED]
        stored.play_all(names, IN_STORES, runs=plan.runs, seconds=plan.seconds, cookies=many)
        left_out += stored.left_out
        return _table(stored, IN_STORES, SERVE_REDIS)


def _sealed(stage: Stage, plan: Plan) -> list[Result]:
    """Ours alone: more and more sessions, one after another, each number of them in turns with a single one."""
    backend = stage.backends[SERVE]
    settings = Settings.load(environ={}, **ours.settings(stage.issuer, backend.port))
    runtime = AuthBackend(settings)._backends.at("").runtime
    one = stage.cookies[SERVE]
    cookies = sealed_cookies(runtime, one.read_text().strip(), max(plan.sealed))
    results = [alone(f"{1:,} sessions: memory of serve", "MB", [memory(backend.leader)["Pss"] / 1e6])]
    for count in plan.sealed:
        many = write_cookies(stage.directory, f"sealed-{count}", cookies[:count])
        name = f"{count:,} sessions"
        say(name)
        stage.play(SERVE, "", many, 16, 1 + count / 5_000)  # so that every one has come
        for _ in range(plan.runs):
            stage.play(SERVE, name, many, 16, plan.seconds)
            stage.play(SERVE, f"one beside {name}", one, 16, plan.seconds)
        for figure in ("CPU", "requests/s"):
            unit, of = FIGURES[figure]
            mine = stage.values(name, SERVE, of)
            single = stage.values(f"one beside {name}", SERVE, of)
            better = figure == "requests/s"
            results.append(
                compare(f"{name}: {figure}", unit, mine, single, ONE_SESSION, more_is_better=better)
            )
        results.append(alone(f"{name}: memory of serve", "MB", [memory(backend.leader)["Pss"] / 1e6]))
    return results


def _variant(
    plan: Plan, directory: Path, case: str, names: tuple[str, ...], left_out: list[str], *,
    groups: int = 8, **settings: Any,
) -> list[Result]:  # fmt: skip
    with stage(directory / ours.slug(case), names=names, groups=groups, **settings) as small:
        small.play_all([*names, nginx.STUB], case, runs=plan.runs, seconds=plan.seconds)
        left_out += small.left_out
        return _table(small, case)


def _table(stage: Stage, case: str, ours: str = SERVE) -> list[Result]:
    """Return every figure of each contestant, beside that of one of ours."""
    results = []
    for figure, (unit, of) in FIGURES.items():
        mine = stage.values(case, ours, of)
        results.append(alone(f"{case}: {figure}", unit, mine, ours))
        for peer in stage.played(case):
            if peer != ours and mine:
                theirs = stage.values(case, peer, of)
                better = figure == "requests/s"
                results.append(compare(f"{case}: {figure}", unit, mine, theirs, peer, more_is_better=better))
    return results
