"""The format of a command's log."""

from __future__ import annotations

import argparse
import json
import logging
import re

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.logs import add_log_format, set_up_logging


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """A root logger without handlers, which `logging.basicConfig` sets up."""
    found = logging.RootLogger(logging.WARNING)
    monkeypatch.setattr(logging, "root", found)
    return found


def set_up(root: logging.Logger, level: str, log_format: str) -> None:
    root.handlers.clear()  # those of pytest
    set_up_logging(level, log_format)


@pytest.fixture(autouse=True)
def level() -> object:
    gate = logging.getLogger("oidc_gate")
    before = gate.level
    yield
    gate.setLevel(before)


def test_json(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, "info", "json")
    root.warning("two\nlines")
    assert json.loads(capsys.readouterr().err)["message"] == "two\nlines"


def test_text(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, "debug", "text")
    root.warning("one line")
    assert capsys.readouterr().err.endswith(" WARNING root one line\n")
    assert logging.getLogger("oidc_gate").level == logging.DEBUG


def parsed(*arguments: str) -> str:
    parser = argparse.ArgumentParser()
    add_log_format(parser)
    return str(parser.parse_args(arguments).log_format)


def test_the_option_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OIDC_GATE_LOG_FORMAT", raising=False)
    assert parsed() == "text"
    monkeypatch.setenv("OIDC_GATE_LOG_FORMAT", "json")
    assert parsed() == "json"
    assert parsed("--log-format", "text") == "text"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_another_format_is_refused(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--log-format", "xml"])
    assert end.value.code == 2
    monkeypatch.setenv("OIDC_GATE_LOG_FORMAT", "JSON")
    with pytest.raises(SystemExit) as end:
        main([command])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("is not a format of the log; write text or json") == 2


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("debug", logging.DEBUG),
        ("info", logging.INFO),
        ("warning", logging.WARNING),
        ("error", logging.ERROR),
    ],
)
def test_each_level_is_that_of_the_gate_alone(
    name: str, number: int, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(root, name, "text")
    assert logging.getLogger("oidc_gate").level == number
    assert root.level == logging.WARNING
    root.error("one %s", "line")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR root one line\n", capsys.readouterr().err
    )
