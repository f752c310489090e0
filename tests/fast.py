"""The selection of `make test-fast`: no servers, no property tests, and each test over one interface only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import pytest

Interface = TypeVar("Interface")
is_on = False
"""Whether `make test-fast` runs; set before a module of tests is imported."""

# An interface in a test's id, with the mount path and the prefix that tests/shells adds to it.
_INTERFACE = re.compile(r"(?<=[\[-])(wsgi|asgi|asyncio|trio|threads)(/base)?(:/(oauth2|-/gate))?(?=[\]-])")


def interfaces(every: Sequence[Interface]) -> Sequence[Interface]:
    """Return the first alone in a fast run: collecting what `select` drops would take a third of its time."""
    return every[:1] if is_on else every


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is slow to run and seldom fails alone."""
    first: dict[str, str] = {}
    kept, dropped = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        found = _INTERFACE.search(item.name)
        interface = found[0] if found else ""
        is_first = first.setdefault(item.nodeid.partition("[")[0], interface) == interface
        is_quick = not any(item.get_closest_marker(name) for name in ("real", "hypothesis", "slow"))
        (kept if is_first and is_quick else dropped).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
