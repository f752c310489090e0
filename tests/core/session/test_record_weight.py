"""What a remembered session is said to weigh bounds `session_cache_bytes`: never less than it takes."""

from __future__ import annotations

import gc
import tracemalloc
from types import MappingProxyType
from typing import Any

import pytest

from oidc_gate.model import Identity, Session
from oidc_gate.session import record as record_module
from oidc_gate.session.record import decode, encode_session

FRAMES = 4  # of the stack of an allocation: more than lie between it and a function of `record`


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
    """Return the bytes that a decoded record takes. What threads of other tests allocate meanwhile does not count."""
    decoded = [decode(record, issuer="", provider="")]  # what is made only once is there
    gc.collect()
    tracemalloc.start(FRAMES)
    try:
        decoded += [decode(record, issuer="", provider="") for _ in range(5)]
        gc.collect()
        made_here = tracemalloc.Filter(True, record_module.__file__, all_frames=True)
        found = tracemalloc.take_snapshot().filter_traces([made_here])
    finally:
        tracemalloc.stop()
    return sum(trace.size for trace in found.traces) / (len(decoded) - 1)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_it_weighs_at_least_what_it_takes(shape: str) -> None:
    record = encode_session(SHAPES[shape])
    _, weight = decode(record, issuer="", provider="")
    taken = memory_of(record)
    assert taken > 200  # a session is an object at least
    assert weight >= taken
    assert weight < 10 * taken + 5_000


def test_what_repeats_itself_is_small_in_a_cookie_and_heavy_in_memory() -> None:
    record = encode_session(SHAPES["lists"])
    assert len(record) < 500
    assert decode(record, issuer="", provider="")[1] > 500_000
