"""Put a mutant into functions that are imported already: their code is replaced, nothing is imported again."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType


class CannotBePatched(Exception):
    """The change is not one of the code of living functions alone."""


class Functions:
    """All functions that this process holds, by the file that they were written in and by their code.

    Args:
        folder: Only functions written in files below it.
    """

    def __init__(self, folder: Path) -> None:
        self._by_code: dict[CodeType, list[FunctionType]] = defaultdict(list)
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__code__.co_filename.startswith(f"{folder}/"):
                self._by_code[each.__code__].append(each)

    def patch(self, file: Path, changed: bytes) -> None:
        """Give the functions of a file the code that they have in a changed version of it.

        Raises:
            CannotBePatched: If the change is outside of functions, or none of the functions is alive.
        """
        before = list(_functions(compile(file.read_bytes(), str(file), "exec", dont_inherit=True)))
        after = list(_functions(compile(changed, str(file), "exec", dont_inherit=True)))
        if [code.co_qualname for code in before] != [code.co_qualname for code in after]:
            raise CannotBePatched(file)
        are_patched = False
        for old, new in zip(before, after, strict=True):
            if _without_lines(old) != _without_lines(new):
                for function in self._by_code.get(old, ()):
                    try:
                        function.__code__ = new
                    except ValueError as error:  # it closes over other variables
                        raise CannotBePatched(file) from error
                    are_patched = True
        if not are_patched:
            raise CannotBePatched(file)


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of each function and class body, outer ones first."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _functions(inner)


def _without_lines(code: CodeType) -> tuple[object, ...]:
    constants = (
        _without_lines(each) if isinstance(each, CodeType) else (type(each), each) for each in code.co_consts
    )
    return code.co_code, tuple(constants), code.co_names, code.co_varnames, code.co_freevars
