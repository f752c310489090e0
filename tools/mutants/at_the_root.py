"""A plugin of pytest that leaves out trio and the tests' other mounts and prefixes: they reach the same lines.

It writes down the tests that fail.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_LEFT_OUT = re.compile(r"(?<=[\[-])(trio\b|(wsgi|asyncio)(/base:|:/-/gate))")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect them."""
    dropped = [item for item in items if _LEFT_OUT.search(item.name)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if not _LEFT_OUT.search(item.name)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where to write."""
    parser.addoption("--failed-to", type=Path, required=True)


class _Failed:
    def __init__(self, file: Path) -> None:
        self._file = file
        file.touch()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            with self._file.open("a") as lines:
                lines.write(report.nodeid + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the reports, which all come to the process that starts the workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Failed(config.getoption("--failed-to")))
