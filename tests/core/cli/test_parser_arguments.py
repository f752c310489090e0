"""The arguments of every command, whole: names, types, defaults, choices, and what the help says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.cli import build_parser
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")


def described(action: argparse.Action) -> str:
    """Return an argument as one line."""
    facts: dict[str, Any] = {
        "dest": action.dest,
        "kind": type(action).__name__,
        "metavar": action.metavar,
        "type": getattr(action.type, "__name__", None),
        "choices": action.choices and list(action.choices),
        "default": action.default,
        "const": action.const,
        "nargs": action.nargs,
        "required": action.required or None,
    }
    shown = ", ".join(f"{name}={value!r}" for name, value in facts.items() if value is not None)
    return f"{' '.join(action.option_strings) or action.dest}: {shown}\n    {action.help}"


def lines(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    first = (parser.description or "").partition("\n")[0]
    yield f"== {name}: {first}"
    yield from (described(action) for action in parser._actions if action.dest != "help")
    for group in parser._mutually_exclusive_groups:
        yield f"one of: {', '.join(action.dest for action in group._group_actions)}"


def test_the_arguments_of_each_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OIDC_GATE_LOG_FORMAT", raising=False)
    parser = build_parser()
    (commands,) = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    described_commands = [line for name, command in commands.choices.items() for line in lines(name, command)]
    purposes = [f"{each.dest}: {each.help}" for each in commands._choices_actions]
    text = "\n".join([*lines(parser.prog, parser), parser.epilog or "", *purposes, *described_commands])
    compare(FOLDER / "arguments.txt", f"{text}\n")
