"""`docs/public-interface.md` lists what may be imported: every name is there, and none was forgotten."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY

_ROW = re.compile(r"^\| `(oidc_gate[\w.]*)` \| (.+) \|$", re.MULTILINE)
LISTED = {
    module: set(re.findall(r"`(\w+)`", names))
    for module, names in _ROW.findall((REPOSITORY / "docs/public-interface.md").read_text())
}
# Public paths never go away; a new one is added here and in the document.
PATHS = {
    "oidc_gate",
    "oidc_gate.asgi",
    "oidc_gate.ext.django",
    "oidc_gate.ext.fastapi",
    "oidc_gate.ext.flask",
    "oidc_gate.ext.starlette",
    "oidc_gate.observe.json_log",
    "oidc_gate.settings",
    "oidc_gate.testing",
    "oidc_gate.wsgi",
}


def test_the_public_paths_are_listed() -> None:
    assert LISTED.keys() == PATHS


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_listed_name_can_be_imported(path: str) -> None:
    if path == "oidc_gate.ext.django":  # wants to be imported by a configured Django, see tests/ext
        assert LISTED[path] <= defined_in(path)
    else:
        module = import_module(path)
        assert [name for name in sorted(LISTED[path]) if not hasattr(module, name)] == []


def defined_in(path: str) -> set[str]:
    spec = find_spec(path)
    assert spec is not None
    assert spec.origin is not None
    body = ast.parse(Path(spec.origin).read_text()).body
    return {
        node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize("path", ["oidc_gate", "oidc_gate.ext.fastapi", "oidc_gate.testing"])
def test_the_list_is_that_of_the_module(path: str) -> None:
    assert set(import_module(path).__all__) == LISTED[path]


@pytest.mark.parametrize("path", ["oidc_gate.wsgi", "oidc_gate.asgi", "oidc_gate.settings"])
def test_the_same_object_has_one_home(path: str) -> None:
    module = import_module(path)
    for name in LISTED[path]:
        assert getattr(module, name).__module__.startswith(path)
