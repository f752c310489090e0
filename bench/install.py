"""What the measurements need beyond the development environment: brought where that is allowed, else named."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

from bench.measure import say
from bench.stage import GO_PROGRAMS
from tests.real.components import SEARCH_PATH

COMMANDS = {"wrk": "wrk", "nginx": "nginx", "apache2": "apache2", "valgrind": "valgrind"}
MODULES = {"starsessions": "starsessions"}


def everything() -> list[str]:
    """Install what is missing; return what stays missing, by name and with the reason."""
    missing = [
        package for command, package in COMMANDS.items() if shutil.which(command, path=SEARCH_PATH) is None
    ]
    if missing:
        _apt(missing)
    left_out = [
        f"{command}: not installed, and apt-get did not bring it"
        for command in COMMANDS
        if shutil.which(command, path=SEARCH_PATH) is None
    ]
    for module, package in MODULES.items():
        if importlib.util.find_spec(module) is None:
            _run([sys.executable, "-m", "pip", "install", "--quiet", package])
    answers = {name: binary() for name, binary in GO_PROGRAMS.items()}
    return left_out + [f"{name}: {told}" for name, (program, told) in answers.items() if program is None]


def _apt(packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None or os.environ.get("OIDC_GATE_NO_APT"):
        return
    say(f"installing {', '.join(packages)}")
    _run(["apt-get", "install", "-qy", "--no-install-recommends", *packages])


def _run(words: list[str]) -> None:
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
