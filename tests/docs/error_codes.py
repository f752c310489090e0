"""The stable error codes, read from the source: whatever is passed as `code` to an error or what makes one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from oidc_gate.provider.authorization import REGISTERED_ERRORS
from oidc_gate.provider.client_errors import CLIENT_ERRORS

SOURCE = Path(__file__).parents[2] / "src/oidc_gate"
# Problems of settings have codes too, which no page shows: they are sentences that name the setting.
OUTSIDE = ("testing", "cli", "ext", "check", "settings")
SEALS = "SealError"
_CODE = re.compile("[a-z_]{5,}")
TOKENS = "IDTokenError"
EVENTS = "because"  # events have a page of their own


@cache
def trees() -> tuple[ast.Module, ...]:
    """Return what the gate itself is made of."""
    files = sorted(SOURCE.rglob("*.py"))
    return tuple(
        ast.parse(file.read_text()) for file in files if file.relative_to(SOURCE).parts[0] not in OUTSIDE
    )


@cache
def error_codes() -> set[str]:
    """Return every code but those of tokens, which name the claim."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    positions = _positions(nodes)
    codes = set(REGISTERED_ERRORS) | set(CLIENT_ERRORS)
    for node in nodes:
        if isinstance(node, ast.Call) and (name := _called(node)) in positions:
            prefix = "seal_" if name == SEALS else ""
            for given in _given(node, positions[name], "code"):
                codes |= {prefix + text for text in _texts(given)}
        elif isinstance(node, ast.FunctionDef):
            codes |= {text for default in _default(node, "code") for text in _texts(default)}
    return {code for code in codes if _CODE.fullmatch(code)}


@cache
def token_claims() -> set[str]:
    """Return the claims and header parameters that an `IDTokenError` names: its code is TOKEN_CLAIM."""
    found: set[str] = set()
    for node in (node for tree in trees() for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and node.args:
            is_refusal = any(keyword.arg == "expected" for keyword in node.keywords)
            if is_refusal and _called(node) in (TOKENS, "refuse"):
                found |= set(_texts(node.args[0]))
    return found


def _positions(nodes: list[ast.AST]) -> dict[str, int]:
    """Return which positional argument is the code, for every error class and every function that takes one."""
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    errors = {name for name in classes if _is_error(name, classes)}
    positions = dict.fromkeys(errors - {TOKENS, "ConfigurationError"}, 0)
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("__") and node.name != EVENTS:
            names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            if "code" in names:
                positions[node.name] = names.index("code") - (names[0] == "self")
    return positions


def _is_error(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    if name == "GateError":
        return True
    bases = classes[name].bases if name in classes else []
    return any(isinstance(base, ast.Name) and _is_error(base.id, classes) for base in bases)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _given(node: ast.Call, position: int, name: str) -> list[ast.expr]:
    by_name = [keyword.value for keyword in node.keywords if keyword.arg == name]
    return by_name + ([node.args[position]] if len(node.args) > position else [])


def _default(node: ast.FunctionDef, name: str) -> list[ast.expr]:
    arguments = node.args
    pairs = [
        *zip(
            arguments.args[len(arguments.args) - len(arguments.defaults) :], arguments.defaults, strict=True
        ),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return [default for argument, default in pairs if argument.arg == name and default is not None]


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _texts(value)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
