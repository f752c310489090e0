"""Programs in Go that others wrote: found on the path, else built the first time and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "oidc_gate-bench"
BUILD_SECONDS = 900


@cache  # a registry that refuses is asked once a run
def find(name: str, module: str, fallback: str = "") -> tuple[Path | None, str]:
    """Return the program and its version, building it the first time; or None and the reason.

    Args:
        name: Of the program.
        module: What it is built of; its last part, without a version, has to be `name`.
        fallback: A version for where the registry does not hand out the newest; none if empty.
    """
    on_path = shutil.which(name)
    program = Path(on_path) if on_path else CACHE / "bin" / name
    if not program.exists():
        if shutil.which("go") is None:
            return None, "there is no Go here to build it with"
        if reason := _build(name, module, fallback):
            return None, reason
    return program, _version(program, module)


def _version(program: Path, module: str) -> str:
    try:
        told = subprocess.run(["go", "version", "-m", program], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "of unknown version"
    lines = map(str.split, told.stdout.splitlines())
    versions = [words[2] for words in lines if words[1:2] == [module] and words[0] in ("mod", "dep")]
    return versions[0] if versions else "of unknown version"


def _build(name: str, module: str, fallback: str) -> str:
    """Build the newest release, else the fallback; return why it could not be."""
    env = {**os.environ, "GOBIN": str(CACHE / "bin")}
    reason = _go(["install", module + "@latest"], CACHE, env)
    if not reason or not fallback:
        return reason
    room = CACHE / name
    room.mkdir(parents=True, exist_ok=True)
    # without a version of Go of 1.17 or later, it asks for the go.mod of everything that anybody ever required
    (room / "go.mod").write_text(f"module bench\n\ngo 1.21\n\nrequire {module} {fallback}\n")
    (room / "program.go").write_text(f'//go:build tools\n\npackage bench\n\nimport _ "{module}"\n')
    return _go(["build", "-mod=mod", "-o", f"../bin/{name}", module], room, env)


def _go(words: list[str], directory: Path, env: dict[str, str]) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["go", *words],
            cwd=directory,
            env=env,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "go took too long to build it"
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines() or ["it failed without a word"]
    return f"go {words[0]}: {said[-1].strip()[:200]}"
