"""Writes the completion files of `oidc-gate`, from its parser: `make completions`."""

from __future__ import annotations

import argparse
from typing import Any

import shtab

from oidc_gate.cli import build_parser
from oidc_gate.cli.completion import DIRECTORY, SHELLS

FILES = ("FILE", "PATH")


def completion(shell: str) -> str:
    """Return the completion file for `shell`, in which arguments that name a file complete to files."""
    parser = build_parser()
    _complete_files(parser)
    text = str(shtab.complete(parser, shell=shell))
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _complete_files(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command)
        elif action.metavar in FILES:
            completing: Any = action
            completing.complete = shtab.FILE


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for name in SHELLS:
        (DIRECTORY / f"oidc-gate.{name}").write_text(completion(name), "utf-8")
