"""Memory of a remembered session, beside the estimate by which `session_cache_bytes` bounds it."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from bench.measure import Result, compare
from bench.peers import ours
from bench.peers.frameworks import plain_asgi, plain_wsgi
from bench.provider import group_names
from bench.sealed import seal
from bench.worker import NO_PROVIDER
from oidc_gate.asgi import AuthBackend
from oidc_gate.asgi import OIDCGate as ASGIGate
from oidc_gate.model import Identity, Session
from oidc_gate.settings import Settings
from oidc_gate.shells.common import Runtime
from oidc_gate.wsgi import OIDCGate as WSGIGate

SESSIONS = 160


def anybody(number: int = 0, *, groups: int = 8, claims: dict[str, Any] | None = None) -> Session:
    """Return a session that began now."""
    now = int(time.time())
    who = Identity(
        NO_PROVIDER, f"2f6a1c9e-7d0b-4c35-9e1a-{number:012d}", f"person.{number}@example.com", True, "Jane Doe",
        "jane.doe", tuple(group_names(groups)), MappingProxyType(claims or {}), "127.0.0.1:9",
        f"session-{number:014d}", now, now + 28800,
    )  # fmt: skip
    return Session(who, now, now, sid=f"sid-{number:018d}")


# What a provider may say: much, and what takes the most memory for its length.
SHAPES: dict[str, Callable[[int], Session]] = {
    "8 groups": anybody,
    "no group": lambda n: anybody(n, groups=0),
    "150 groups": lambda n: anybody(n, groups=150),
    "500 groups": lambda n: anybody(n, groups=500),
    "1,000 groups": lambda n: anybody(n, groups=1_000),
    "claims of many small lists": lambda n: anybody(n, claims={"x": [[]] * 20_000}),
    "claims of many small objects": lambda n: anybody(n, claims={"x": [{"a": 1}] * 10_000}),
    "claims of many large numbers": lambda n: anybody(n, claims={"x": [1000 + i % 9 for i in range(20_000)]}),
    "a long text beyond ASCII": lambda n: anybody(n, claims={"x": "\U0001f511" + "k" * 100_000}),
    "two tokens": lambda n: anybody(n)._replace(id_token="i" * 900, access_token="a" * 900),
}


def measure() -> list[Result]:
    """Return, for each shape and each shell, how much the estimate is above what is really taken."""
    results = []
    given = ours.settings(NO_PROVIDER, 8000)
    for shape, make in SHAPES.items():
        settings = Settings.load(
            environ={},
            **given,
            keep_id_token=True,
            identity_headers=True,
            pass_access_token=True,
            pass_authorization=True,
            session_cache_bytes=64 * 1024**3,
            session_cache_entries=10**7,
        )
        shells: dict[str, Runtime[Any]] = {
            "WSGI": WSGIGate(plain_wsgi, settings)._runtime,
            "ASGI": ASGIGate(plain_asgi, settings)._runtime,
            "serve": AuthBackend(settings)._backends.at("").runtime,
        }
        for shell, runtime in shells.items():
            taken, estimated = _one(runtime, make)
            name = f"memory of a remembered session, {shell}: {shape}"
            results.append(compare(name, "bytes", [taken], [estimated], "the estimate", more_is_better=False))
    return results


def _one(runtime: Runtime[Any], make: Callable[[int], Session]) -> tuple[float, float]:
    """Return what a remembered session takes, and what it is estimated to take."""
    count = SESSIONS if len(str(make(0).identity)) < 20_000 else SESSIONS // 20
    cookies = [seal(runtime, make(number)) for number in range(count + 1)]
    _find(runtime, cookies.pop())
    cache = runtime.gate.components.cache
    gc.collect()
    before_bytes = cache.size
    tracemalloc.start()
    for cookie in cookies:
        if _find(runtime, cookie) is None:
            raise RuntimeError("a cookie of ours does not open")
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / count, (cache.size - before_bytes) / count


def _find(runtime: Runtime[Any], cookie_header: str) -> object:
    return runtime.find(cookie_header)[0]
