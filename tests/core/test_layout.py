"""The layout of the package: few modules at the top, no import circle, and imports that run towards the ground.

Imports inside functions and under ``TYPE_CHECKING`` count as all others do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src/oidc_gate"
TESTS = REPOSITORY / "tests/core"
MAX_TOP_MODULES = 8

# Which rooms a room may import, besides itself. A room is a module or package directly below oidc_gate.
GROUND = frozenset({"model", "errors", "effects", "settings", "syntax", "seal"})
CAPABILITIES = ("request", "flow", "session", "store", "provider", "policy", "pages", "observe")
REFRESH = GROUND | set(CAPABILITIES)
ENDPOINTS = REFRESH | {"refresh"}
GATE = ENDPOINTS | {"endpoints"}
SHELLS = GATE | {"gate", "runtime"}
FACE = SHELLS | {"shells", "wsgi", "asgi"}
OUTSIDE = ("ext", "cli", "check", "testing")
MAY_IMPORT: dict[str, frozenset[str]] = {
    "model": frozenset(),
    "syntax": frozenset(),
    "effects": frozenset({"model"}),
    "errors": frozenset({"settings"}),
    "settings": frozenset({"errors", "syntax", "store"}),  # `store.urls` alone knows which stores there are
    "seal": frozenset({"errors", "syntax"}),
    **dict.fromkeys(CAPABILITIES, GROUND),
    "store": frozenset({"errors", "syntax"}),  # nothing of sessions: it sees bytes
    "session": GROUND | {"store"},
    "provider": GROUND
    | {"observe"},  # `observe.current`: a line about a revocation names the request that caused it
    "runtime": GROUND | {"store"},
    "refresh": REFRESH,
    "endpoints": ENDPOINTS,
    "gate": GATE,
    "shells": SHELLS,
    "wsgi": SHELLS | {"shells"},
    "asgi": SHELLS | {"shells"},
    "__init__": FACE,
    "proxies": GROUND | {"policy"},
    **dict.fromkeys(OUTSIDE, FACE | {"__init__", "proxies", *OUTSIDE}),
}

# Tests that are about more than one module, and so bear another name; everything else mirrors the source.
CROSS_CUTTING = {
    "": {"test_layout", "test_loading", "test_words"},
    "check/live": {"test_snapshots"},
    "check/provider": {"test_snapshots"},
    "proxies": {"test_snapshots"},
    "pages": {"test_every_page"},
    "provider": {"test_over_http", "test_requests"},
    "provider/jose": {"test_any_input"},
    "settings": {"test_any_input", "test_texts", "test_values", "test_written_files"},
    "seal": {"test_seal", "test_contract"},
    "flow": {"test_flow"},
    "cli": {"test_demo"},
}


@cache
def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    found = {}
    for file in SOURCE.rglob("*.py"):
        parts = file.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def imported(file: Path) -> frozenset[str]:
    """Return the modules of this package that `file` imports, wherever in the file it does so."""
    return frozenset(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    package = ".".join(("oidc_gate", *file.relative_to(SOURCE).parts[:-1]))
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            names = [
                name if (name := f"{origin}.{alias.name}") in modules() else origin for alias in node.names
            ]
        yield from (name for name in names if name.split(".")[0] == "oidc_gate")


def room_of(module: str) -> str:
    """Return the room of a module: of `oidc_gate.flow.slots` it is `flow`, of `oidc_gate` it is `__init__`."""
    return (*module.split("."), "__init__")[1]


def test_few_modules_stand_at_the_top() -> None:
    at_the_top = sorted(file.name for file in SOURCE.glob("*.py"))
    assert len(at_the_top) <= MAX_TOP_MODULES, at_the_top


def test_imports_run_towards_the_ground() -> None:
    upwards = []
    for module, file in modules().items():
        room = room_of(module)
        assert room in MAY_IMPORT, "a new room: give it its place in MAY_IMPORT"
        forbidden = {room_of(each) for each in imported(file)} - {room} - MAY_IMPORT[room]
        upwards += [f"{module}: {each}" for each in sorted(forbidden)]
    assert upwards == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: set(imported(file)) - {module} for module, file in modules().items()}
    assert circles(graph) == []


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the modules that are left when those that no circle can hold are taken away, in groups."""
    graph = {module: known & graph.keys() for module, known in graph.items()}
    while True:
        leaves = {module for module, known in graph.items() if not known}
        leaves |= graph.keys() - set().union(*graph.values())
        if not leaves:
            break
        graph = {module: known - leaves for module, known in graph.items() if module not in leaves}
        if not graph:
            return []
    return [sorted(graph)]


def test_the_search_for_circles_finds_one() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_tests_mirror_the_source() -> None:
    strangers = []
    for file in sorted(TESTS.rglob("test_*.py")):
        folder = file.relative_to(TESTS).parent
        beside = SOURCE / folder
        assert beside.is_dir(), f"tests/core/{folder} mirrors no package"
        name = file.stem.removeprefix("test_")
        subjects = {path.stem for path in beside.iterdir() if path.suffix == ".py" or path.is_dir()}
        key = "" if str(folder) == "." else str(folder)
        is_about_a_module = any(name == subject or name.startswith(f"{subject}_") for subject in subjects)
        if not is_about_a_module and file.stem not in CROSS_CUTTING.get(key, ()):
            strangers.append(f"{file.relative_to(TESTS)}: name a module of {folder}")
    assert strangers == []
