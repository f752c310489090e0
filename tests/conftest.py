"""How hard the property tests try (`HYPOTHESIS_PROFILE=fuzz`: much harder), the option --fast, and the log watch."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from oidc_gate.observe import audit
from tests import fast
from tests.secret_watch import watch_logs

__all__ = ["watch_logs"]

# Two cores shared with servers say nothing about an example's own speed: no deadline anywhere.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "quick")
)


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Give the loggers their levels back: commands of ours set them for the whole process."""
    loggers = [logging.getLogger(name) for name in ("oidc_gate", "werkzeug", "")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        if logger.level != level:  # setting it empties the caches of all loggers
            logger.setLevel(level)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="no servers, no property tests, one interface a test"
    )


def pytest_configure(config: pytest.Config) -> None:
    fast.is_on = config.getoption("fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the tests of `tests/real` with --fast: each of them starts a server."""
    return True if config.getoption("fast") and collection_path == config.rootpath / "tests/real" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    local = [item.nodeid for item in items if str(config.rootpath) in item.nodeid]
    if local:
        raise pytest.UsageError("these test ids hold the checkout's path: " + ", ".join(local))
    if config.getoption("fast"):
        fast.select(config, items)


@pytest.fixture
def log_at_info(log_levels: None) -> None:
    """Log as in production: where the log shows every decision, no request passes without one."""
    logging.getLogger("oidc_gate").setLevel(logging.INFO)


@pytest.fixture(params=[logging.DEBUG, logging.INFO], ids=["DEBUG", "INFO"])
def log_level(request: pytest.FixtureRequest, log_levels: None) -> None:
    """Run a test where every request is decided, and where plainly public ones are not."""
    logging.getLogger("oidc_gate").setLevel(request.param)


@pytest.fixture(autouse=True)
def own_audit_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test use up the lines a minute that another one looks for."""
    monkeypatch.setattr(audit, "_limit", audit.RateLimit(audit.MAX_A_MINUTE))
