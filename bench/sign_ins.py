"""Sign-ins: whole flows against the same provider, what one costs, and what ten thousand leave behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.browser import sign_in_often
from bench.measure import Result, alone, compare, cpu_seconds, memory, say
from bench.peers.backend import Backend
from bench.stage import APACHE_COOKIE, PROXY_1, SERVE, VOUCH_1, stage

BROWSERS = 8


@dataclass(frozen=True)
class Plan:
    """How much is measured: turns, flows in one, and in the storm."""

    runs: int
    flows: int
    storm: int


QUICK, FULL = Plan(2, 100, 1_000), Plan(3, 400, 10_000)


def measure(plan: Plan, directory: Path) -> tuple[list[Result], list[str]]:
    """Return the results, and what was left out."""
    say("sign-ins")
    with stage(directory / "sign-ins", names=(SERVE, PROXY_1, VOUCH_1, APACHE_COOKIE)) as together:
        rates, costs = _turns(together.backends, plan)
        results = []
        for peer in rates:
            if peer == SERVE:
                results.append(alone("sign-ins a second", "sign-ins/s", rates[SERVE], SERVE))
                results.append(alone("CPU of a sign-in", "ms", costs[SERVE], SERVE))
                continue
            results.append(
                compare(
                    "sign-ins a second", "sign-ins/s", rates[SERVE], rates[peer], peer, more_is_better=True
                )
            )
            results.append(
                compare("CPU of a sign-in", "ms", costs[SERVE], costs[peer], peer, more_is_better=False)
            )
        results += _storm(together.backends, plan)
        return results, together.left_out


def _turns(backends: dict[str, Backend], plan: Plan) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    rates: dict[str, list[float]] = {name: [] for name in backends}
    costs: dict[str, list[float]] = {name: [] for name in backends}
    for backend in backends.values():
        sign_in_often(backend.sign_in_url, plan.flows // 4, BROWSERS)
    for _ in range(plan.runs):
        for name, backend in backends.items():
            before, start = cpu_seconds(backend.leader), time.monotonic()
            sign_in_often(backend.sign_in_url, plan.flows, BROWSERS)
            rates[name].append(plan.flows / (time.monotonic() - start))
            costs[name].append((cpu_seconds(backend.leader) - before) / plan.flows * 1e3)
    return rates, costs


def _storm(backends: dict[str, Backend], plan: Plan) -> list[Result]:
    """Sign in very often, and see what the server keeps of it."""
    say(f"a storm of {plan.storm:,} sign-ins")
    serve = backends[SERVE]
    before = memory(serve.leader)["Pss"]
    sign_in_often(serve.sign_in_url, plan.storm, BROWSERS)
    after = memory(serve.leader)["Pss"]
    return [
        alone(f"memory before {plan.storm:,} sign-ins", "MB", [before / 1e6], SERVE),
        alone(f"memory after {plan.storm:,} sign-ins", "MB", [after / 1e6], SERVE),
        alone("memory that a sign-in leaves behind", "bytes", [(after - before) / plan.storm], SERVE),
    ]
