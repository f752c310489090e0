"""Print the completion of commands and options for a shell.

bash reads it from /usr/share/bash-completion/completions, or from ~/.local/share/bash-completion/completions without
root. zsh reads it from a directory of its $fpath, where the file has to be called _oidc-gate.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DIRECTORY = Path(__file__).parent / "completions"
SHELLS = ("bash", "zsh")
EXAMPLES = """
oidc-gate completion bash > /usr/share/bash-completion/completions/oidc-gate
oidc-gate completion zsh > /usr/local/share/zsh/site-functions/_oidc-gate
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the shell."""
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(options: argparse.Namespace) -> int:
    """Print the file, which ``make completions`` has written."""
    sys.stdout.write((DIRECTORY / f"oidc-gate.{options.shell}").read_text("utf-8"))
    return 0
