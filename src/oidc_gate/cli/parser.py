"""The parser of the command line. For a wrong argument, it prints one line that says what to write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any, NoReturn, TypeVar

_Namespace = TypeVar("_Namespace")


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` without abbreviated options, whose errors are one line and suggest a similar word.

    An abbreviation could become ambiguous, or get another meaning, when an option is added.
    """

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **keywords)

    def add_command(self, name: str, module: ModuleType, purpose: str) -> None:
        """Add a subcommand.

        Args:
            name: The name of the command.
            module: The module of the command, with ``configure``, ``run``, ``EXAMPLES``, and a docstring that the help
                shows above the options.
            purpose: One line for the list of commands.
        """
        command = self._commands().add_parser(
            name, help=purpose, description=module.__doc__, epilog=_examples(module.EXAMPLES)
        )
        module.configure(command)
        command.set_defaults(run=module.run)

    def _commands(self) -> Any:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action
        return self.add_subparsers(dest="command", metavar="COMMAND")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: _Namespace | None = None
    ) -> tuple[Any, list[str]]:
        """Parse, and refuse unknown arguments in the parser of the command, whose error names the command."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            word = next((each for each in unknown if each.startswith("-")), unknown[0]).partition("=")[0]
            options = [each for action in self._actions for each in action.option_strings]
            self.error(f"there is no argument {word!r} here{did_you_mean(word, options)}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Print `message` as one line, and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(each) for each in action.choices or ()]
        if not choices or str(value) in choices:
            return
        what = "the commands are" if isinstance(action, argparse._SubParsersAction) else "write one of"
        raise argparse.ArgumentError(
            action, f"there is no {value!r}{did_you_mean(str(value), choices)}; {what} {', '.join(choices)}"
        )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `": did you mean ...?"` with the name that is most similar to `word`, or an empty text."""
    nearest = get_close_matches(word.lower(), list(known))
    return f": did you mean {nearest[0]}?" if nearest else ""


def print_help(parser: argparse.ArgumentParser) -> int:
    """Print the help to standard error, because no command was given, and return exit status 2."""
    parser.print_help(sys.stderr)
    return 2


def _examples(lines: str) -> str:
    return "examples:\n" + "\n".join(f"  {line}" for line in lines.strip().splitlines())
