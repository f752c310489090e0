"""A clock that stands still, and threads that do not run."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oidc_gate.runtime import deadline


class Clock:
    """In place of the module `time` in `oidc_gate.runtime.deadline`."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    return clock


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every thread that was started. None of them runs."""
    found: list[dict[str, Any]] = []

    class Thread:
        def __init__(self, **given: Any) -> None:
            self.given = given

        def start(self) -> None:
            found.append(self.given)

    monkeypatch.setattr(threading, "Thread", Thread)
    return found
