"""The ID of the current request, for lines of the log that are not about its decision.

It is set only where `oidc_gate.gate.Gate.decide` runs, so requests that the short path answers do not touch it. A
thread that performs the effects of a step on an event loop runs in a copy of the context, and therefore finds the same
ID. Work in the background is done for one request after another, and sets the ID of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("oidc_gate_request_id", default="")


def request_id() -> str:
    """Return the ID of the current request; an empty string outside a decision."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Set the ID of the current request, until the block of `deciding` ends.

    Not checked here: that the caller is in such a block. Otherwise the ID would stay for whatever the thread does next.
    """
    _request_id.set(value)


@contextmanager
def deciding() -> Iterator[None]:
    """Reset the current request at the end of the block, so that lines of the application do not get its ID."""
    before = _request_id.get()
    _request_id.set("")
    try:
        yield
    finally:
        _request_id.set(before)
