"""A plugin of pytest that leaves out trio and the tests' other mounts and prefixes: they reach the same lines."""

from __future__ import annotations

import re

import pytest

_LEFT_OUT = re.compile(r"(?<=[\[-])(trio\b|(wsgi|asyncio)(/base:|:/-/gate))")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect them."""
    dropped = [item for item in items if _LEFT_OUT.search(item.name)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if not _LEFT_OUT.search(item.name)]
