"""Who may know whom: an import that runs the other way is a fault."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/oidc_gate"

VALUES = {"model", "errors", "effects", "settings", "syntax", "seal"}
GROUND = VALUES | {"cookies", "marks"}
ROOMS = {"request", "flow", "session", "store", "provider", "policy", "pages", "observe"}
SHELLS = {"asgi", "asgi_messages", "backend", "interface", "libraries", "runtime", "shell", "wsgi"}
FACE = {"__init__"}
OUTSIDE = {"ext", "cli", "check", "testing"}

# ROOMS do not know each other, and nobody inside knows OUTSIDE.
MAY_KNOW = (
    dict.fromkeys(GROUND, GROUND)
    | dict.fromkeys(ROOMS, GROUND)
    | {"endpoints": GROUND | ROOMS}
    | {"gate": GROUND | ROOMS | {"endpoints"}}
    | dict.fromkeys(SHELLS | FACE, GROUND | ROOMS | {"endpoints", "gate"} | SHELLS)
    | dict.fromkeys(OUTSIDE, GROUND | ROOMS | {"endpoints", "gate"} | SHELLS | FACE | OUTSIDE)
)


def room_of(module: str) -> str:
    """Return the first name below the package: of `oidc_gate.flow.slots` it is `flow`."""
    name = (*module.split("."), "__init__")[1]
    # `from oidc_gate import Settings` asks the face, and dunder names are the face's own.
    inside = (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").exists()
    return name if inside else "__init__"


def imported(file: Path) -> Iterator[str]:
    package = ".".join(("oidc_gate", *file.relative_to(SOURCE).parts[:-1]))
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_run_towards_the_ground(file: Path) -> None:
    room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert room in MAY_KNOW, "a new room: give it its place above"
    known = {room_of(module) for module in imported(file) if module.split(".")[0] == "oidc_gate"}
    assert known - {room} <= MAY_KNOW[room]
