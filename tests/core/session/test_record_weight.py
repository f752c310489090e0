"""What a remembered session is said to weigh bounds `session_cache_bytes`: never less than it takes."""

from __future__ import annotations

import gc
import tracemalloc
from types import MappingProxyType
from typing import Any

import pytest

from oidc_gate.model import Identity, Session
from oidc_gate.session.record import decode, encode_session


def session(groups: int = 0, **claims: Any) -> Session:
    who = Identity("", "s", groups=tuple(f"g{n}" for n in range(groups)), claims=MappingProxyType(claims))
    return Session(who, 0, 0)


SHAPES = {
    "nothing": session(),
    "groups": session(1_000),
    "lists": session(x=[["a"]] * 10_000),
    "nested": session(x=[[[["a"]]]] * 5_000),
    "objects": session(x=[{"a": 1}] * 5_000),
    "large objects": session(x={f"k{n}": n for n in range(5_000)}),
    "numbers": session(x=list(range(1_000, 9_000))),
    "one-sided text": session(x="\U0001f511" + "k" * 50_000),
    "a token": session()._replace(access_token="t" * 5_000),
}


def memory_of(record: bytes) -> float:
    """Return the bytes that a decoded record takes, once all that is made only once is there."""
    gc.collect()
    tracemalloc.start()
    kept = [decode(record, issuer="", provider="") for _ in range(5)]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    return taken


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_it_weighs_at_least_what_it_takes(shape: str) -> None:
    record = encode_session(SHAPES[shape])
    _, weight = decode(record, issuer="", provider="")
    taken = min(memory_of(record) for _ in range(5))  # threads of other tests take memory meanwhile
    assert weight >= taken
    assert weight < 10 * taken + 5_000


def test_what_repeats_itself_is_small_in_a_cookie_and_heavy_in_memory() -> None:
    record = encode_session(SHAPES["lists"])
    assert len(record) < 500
    assert decode(record, issuer="", provider="")[1] > 500_000
