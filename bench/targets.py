"""What we set out to reach, and whether this run reached it. A ratio above 1 is better than the other."""

from __future__ import annotations

from collections.abc import Sequence

from bench.behind_nginx import MANY, ONE_SESSION, PLAIN
from bench.measure import Result
from bench.stage import APACHE_COOKIE, EMPTY, ITSELF, PROXY_1
from bench.subjects import ITSDANGEROUS, STARLETTE

_RATIOS = (
    ("seen before, WSGI", STARLETTE, 8.0),
    ("seen before, ASGI", STARLETTE, 8.0),
    ("first sight, WSGI", ITSDANGEROUS, 1.0),
    ("first sight, ASGI", ITSDANGEROUS, 1.0),
    ("first sight, ASGI: instructions", ITSDANGEROUS, 1.0),
    (f"{PLAIN}: requests/s", EMPTY, 0.85),
    (f"{PLAIN}: CPU with Nginx", APACHE_COOKIE + ITSELF, 3.0),
    (f"{PLAIN}: CPU", PROXY_1, 1.0),
    (f"{MANY:,} sessions: CPU", ONE_SESSION, 1 / 1.5),
)
_MOST = (
    ("seen before, WSGI", 5.0, "µs"),
    ("seen before, ASGI", 5.0, "µs"),
    ("public path, WSGI", 10.0, "µs"),
    ("public path, ASGI", 10.0, "µs"),
    ("anonymous, 401 to a script, WSGI", 60.0, "µs"),
    ("anonymous, 401 to a script, ASGI", 60.0, "µs"),
    ("import oidc_gate", 60.0, "ms"),
)


def verdicts(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """Return each target, what was measured, and ``reached``, ``missed`` or ``not measured``."""
    by_name = {(result.name, result.against): result for result in results}
    told = []
    for name, against, least in _RATIOS:
        found = by_name.get((name, against))
        what = f"{name}, against {against}: at least {least:.2f}x"
        ratio = found.ratio if found else None
        told.append(
            (what, f"{ratio:.2f}x" if ratio else "", _state(ratio is not None, (ratio or 0) >= least))
        )
    for name, most, unit in _MOST:
        alone = next((result.ours for result in results if result.name == name), None)
        reached = alone is not None and alone <= most
        measured = "" if alone is None else f"{alone:.3g} {unit}"
        told.append((f"{name}: at most {most:g} {unit}", measured, _state(alone is not None, reached)))
    return told


def _state(measured: bool, reached: bool) -> str:
    return "reached" if reached else "missed" if measured else "not measured"
