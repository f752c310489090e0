"""Reads a configuration of Nginx with its includes, from files or from the output of ``nginx -T``.

The number and the size of files, the depth of blocks, and the time are limited. `UnreadableError` says what to do.
"""

from __future__ import annotations

import glob
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MAX_BYTES = 10_000_000
MAX_FILES = 500
MAX_DEPTH = 20
MAX_DIRECTIVES = 200_000
MAX_BLOCKS = 200  # nested; crossplane and this module recurse
MAX_WORD = 65_536  # Nginx itself refuses a parameter of more than 4,096 bytes; comments may be longer
_QUICK_BYTES = 500_000  # crossplane reads this in under a second, whatever it contains
_BRACE = re.compile(r"""\#[^\n]*|"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'|[{}]""", re.DOTALL)
_WORD = re.compile(
    r"""\#[^\n]*|"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'|["'].*|[;{]|(?:[^\s;{}"'#\\]|\\.)(?:[^\s;{}\\]++|\\.)*+""",
    re.DOTALL,
)
_SECTION = re.compile(r"^# configuration file (.+):$", re.MULTILINE)


class UnreadableError(Exception):
    """The configuration cannot be read; the message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, with its includes replaced by what they include.

    Args:
        block: The directives inside; None if it has no block.
    """

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] | None = None

    @property
    def where(self) -> str:
        """Return file and line."""
        return f"{self.file}:{self.line}"

    def all(self, name: str) -> Iterator[Directive]:
        """Yield the directives `name` directly inside."""
        return (each for each in self.block or () if each.name == name)


def read_file(path: str) -> tuple[Directive, ...]:
    """Return the directives of the configuration in `path` and in what it includes.

    Raises:
        UnreadableError: It cannot be read.
    """
    if os.path.isdir(path):
        raise UnreadableError(f"{path} is a directory; name the main file, such as /etc/nginx/nginx.conf")
    root = os.path.dirname(os.path.abspath(path))

    def find(pattern: str) -> list[str]:
        full = os.path.join(root, pattern)
        if glob.has_magic(full):
            return sorted(glob.glob(full))
        return [full]

    return _Reader(_read_text, find).read(path)


def read_dump(text: str) -> tuple[Directive, ...]:
    """Return the directives in the output of ``nginx -T``, or of one file.

    Raises:
        UnreadableError: It cannot be read.
    """
    parts = _SECTION.split(text)
    if len(parts) == 1:
        return _Reader(lambda name: text, lambda pattern: []).read("standard input")
    files = dict(zip(parts[1::2], parts[2::2], strict=True))
    main = parts[1]
    root = os.path.dirname(main)

    def find(pattern: str) -> list[str]:
        full = os.path.join(root, pattern)
        return sorted(name for name in files if name == full or fnmatchcase(name, full))

    return _Reader(files.__getitem__, find).read(main)


def _too_many_directives(path: str) -> UnreadableError:
    return UnreadableError(f"the configuration has more than {MAX_DIRECTIVES} directives, at {path}")


def _read_text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None


class _Reader:
    def __init__(self, load: Callable[[str], str], find: Callable[[str], list[str]]) -> None:
        self._load, self._find = load, find
        self._bytes = self._files = self._directives = 0

    def read(self, path: str, including: tuple[str, ...] = ()) -> tuple[Directive, ...]:
        """Return the directives of one file."""
        if path in including:
            raise UnreadableError(f"{path} includes itself: {' includes '.join((*including, path))}")
        if len(including) >= MAX_DEPTH:
            raise UnreadableError(f"the includes are nested more than {MAX_DEPTH} deep, at {path}")
        text = self._load(path)
        self._bytes, self._files = self._bytes + len(text), self._files + 1
        if self._bytes > MAX_BYTES or self._files > MAX_FILES:
            raise UnreadableError(
                f"the configuration has more than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB, at {path}"
            )
        self._check_words(text, path)
        if _depth(text) > MAX_BLOCKS:
            raise UnreadableError(f"the blocks are nested too deep in {path}")
        return tuple(self._convert(_parse(text, path), path, (*including, path)))

    def _check_words(self, text: str, path: str) -> None:
        """Refuse a large text that crossplane would read for minutes: one long word, or too many directives."""
        directives = self._directives
        for match in _WORD.finditer(text) if len(text) > _QUICK_BYTES else ():
            directives += match[0] in (";", "{")
            if match.end() - match.start() > MAX_WORD:
                line = text.count("\n", 0, match.start()) + 1
                raise UnreadableError(
                    f"{path}:{line}: a word, a comment or a text in quotation marks is longer than {MAX_WORD} bytes; "
                    "is a quotation mark missing? Run nginx -t"
                )
            if directives > MAX_DIRECTIVES:
                raise _too_many_directives(path)

    def _convert(self, parsed: Sequence[Any], path: str, including: tuple[str, ...]) -> Iterator[Directive]:
        for each in parsed:
            self._directives += 1
            if self._directives > MAX_DIRECTIVES:
                raise _too_many_directives(path)
            if each["directive"] == "include" and len(each["args"]) == 1:
                for name in self._find(each["args"][0]):
                    yield from self.read(name, including)
                continue
            args = tuple(each["args"])
            block = tuple(self._convert(each["block"], path, including)) if "block" in each else None
            yield Directive(each["directive"], args, path, each["line"], block)


def _depth(text: str) -> int:
    """Return about how deep blocks are nested. A brace in a regular expression counts as a block."""
    if text.count("{") <= MAX_BLOCKS:
        return 0
    depth = deepest = 0
    for match in _BRACE.finditer(text):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _parse(text: str, path: str) -> Sequence[Any]:
    import crossplane

    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        # Contexts and arguments are not checked, because an included file has no context of its own here, and modules
        # bring directives that crossplane does not know. `nginx -t` checks them.
        payload = crossplane.parse(file.name, single=True, check_ctx=False, check_args=False)
    if payload["errors"]:
        error = payload["errors"][0]
        reason = str(error["error"]).partition(f" in {file.name}")[0]
        where = f"{path}:{error['line']}" if error["line"] else path
        reason = reason or "the file ends inside a word or a text in quotation marks"
        raise UnreadableError(f"{where}: {reason}; run nginx -t, which says more")
    parsed: Sequence[Any] = payload["config"][0]["parsed"]
    return parsed
