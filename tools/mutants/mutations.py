"""Every mutant of a file: one small change of its meaning, as text to put in place of other text."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
}
_IN_PARENTHESES = (ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp)
_LOGS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


@dataclass(frozen=True)
class Mutant:
    """A change of one file.

    Attributes:
        file: Relative to the root of the checkout.
        lines: The first line of the statement that it changes, and the last line of what it changes.
        start: Where the text that is replaced begins, in bytes.
        end: Where it ends.
        text: What stands there instead.
        at_import: Whether the statement runs when its module is imported.
    """

    file: str
    lines: tuple[int, int]
    start: int
    end: int
    text: str
    at_import: bool = False

    def apply(self, source: bytes) -> bytes:
        """Return the file with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of its lines."""
    source = (root / file).read_bytes()
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    tree = ast.parse(source)
    first_lines = _first_lines(tree)
    in_functions = _lines_in_functions(tree)
    for node, text in _changes(tree):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        if source[start:end].decode() != text:
            lines = first_lines.get(node.lineno, node.lineno), node.end_lineno
            found.append(Mutant(file, lines, start, end, text, lines[0] not in in_functions))
    return sorted(set(found), key=lambda mutant: (mutant.start, mutant.end, mutant.text))


def _first_lines(tree: ast.AST) -> dict[int, int]:
    """Return the first line of the statement that each line belongs to: the one that coverage knows of."""
    found: dict[int, int] = {}
    for node in ast.walk(tree):  # the inner statements come after the outer ones
        if isinstance(node, ast.stmt) and node.end_lineno is not None:
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if isinstance(body, list) else node.end_lineno
            found |= dict.fromkeys(range(node.lineno, last + 1), node.lineno)
    return found


def _lines_in_functions(tree: ast.AST) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in _walk(tree):
        yield from _changed_conditions(node)
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        for changed in _changed(node):
            text = ast.unparse(ast.fix_missing_locations(changed))
            yield node, f"({text})" if isinstance(changed, _IN_PARENTHESES) else text


def _changed_conditions(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Replace a condition alone: what depends on it stays where it is."""
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Compare):
        yield node.test, f"(not ({ast.unparse(node.test)}))"
    if isinstance(node, ast.comprehension):
        yield from ((condition, "True") for condition in node.ifs)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes whose change means something to a program that runs."""
    if not isinstance(node, ast.Module):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "type_params") or _is_text(
            node, name
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_passed_over(child):
                yield from _walk(child)


def _is_text(node: ast.AST, field: str) -> bool:
    """Tell whether this is what a log line or an exception says."""
    if isinstance(node, ast.Raise):
        return True
    is_log = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOGS
    return is_log and field in ("args", "keywords")


def _is_passed_over(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return True
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "__slots__"):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for at, old in enumerate(node.ops):
                for new in _COMPARED[type(old)]:
                    changed = copy.deepcopy(node)
                    changed.ops[at] = new()
                    yield changed
        case ast.BoolOp():
            yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
            for at in range(len(node.values)):
                left = node.values[:at] + node.values[at + 1 :]
                yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _CALCULATED:
            yield ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
        case ast.Constant():
            yield from _changed_constant(node)
        case ast.Call() if node.keywords:
            for at, keyword in enumerate(node.keywords):
                if keyword.arg and keyword.arg not in ("help", "metavar", "description"):
                    yield ast.Call(node.func, node.args, node.keywords[:at] + node.keywords[at + 1 :])
        case ast.stmt():
            yield from _changed_statement(node)


def _changed_constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and " " not in value:  # with blanks it is a text for people
        yield ast.Constant(value + "X" if value else "X")


def _changed_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Return() if node.value is not None and not isinstance(node.value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
