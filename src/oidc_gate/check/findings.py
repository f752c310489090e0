"""The results of the check: findings, each of which is a cause of the catalogue that was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]

OK, ERRORS, COULD_NOT_CHECK = 0, 1, 2
"""The exit statuses of ``oidc-gate check``."""


class Cause(NamedTuple):
    """One way in which a gate, its provider or its proxy can be set up wrongly.

    The texts may contain facts in braces, as for `str.format`; a literal brace is doubled.

    Attributes:
        name: The stable identifier, as in ``docs/causes.md``.
        severity: ``error`` if users cannot sign in, or if it is not safe; ``warning`` if it is questionable.
        what: What is wrong, as one sentence.
        seen: How a user or the operator notices it.
        fix: What to write, and where.
        read: The page of the documentation, below ``docs/``.
        explained_by: Other causes of which this one is a consequence if they are found too.
    """

    name: str
    severity: Severity
    what: str
    seen: str
    fix: str
    read: str
    explained_by: tuple[str, ...] = ()


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


@dataclass(frozen=True)
class Finding:
    """A cause that was found.

    Args:
        cause: The cause.
        part: The part of the check that found it: ``settings``, ``provider``, ``nginx`` or ``live``.
        where: The setting and its source, the file and line, or the URL.
        facts: The values of the placeholders in the texts of the cause.
        sent: The request, without secrets; empty if there was none.
        received: The response.
        consequences: Findings that this one explains.
    """

    cause: Cause
    part: str
    where: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sent: str = ""
    received: str = ""
    consequences: tuple[Finding, ...] = ()

    def _fill(self, text: str) -> str:
        return text.format_map(_Facts(self.facts))

    @property
    def what(self) -> str:
        """Return what is wrong."""
        return self._fill(self.cause.what)

    @property
    def seen(self) -> str:
        """Return how a user notices it."""
        return self._fill(self.cause.seen)

    @property
    def fix(self) -> str:
        """Return what to write, and where."""
        return self._fill(self.cause.fix)


def with_consequences(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, errors first, with each consequence below the first finding that explains it.

    A finding is never a consequence of a consequence, so that every chain ends in the list.
    """
    names = [finding.cause.name for finding in findings]
    parents: dict[int, int] = {}
    for position, finding in enumerate(findings):
        for name in finding.cause.explained_by:
            if name in names and _root(names.index(name), parents) != position:
                parents[position] = names.index(name)
                break
    result = []
    for position, finding in enumerate(findings):
        if _root(position, parents) != position:
            continue
        below = [
            other for at, other in enumerate(findings) if at != position and _root(at, parents) == position
        ]
        result.append(replace(finding, consequences=tuple(below)))
    return sorted(result, key=lambda finding: finding.cause.severity != "error")


def _root(position: int, parents: Mapping[int, int]) -> int:
    while position in parents:
        position = parents[position]
    return position


def exit_status(findings: Iterable[Finding], *, strict: bool, is_complete: bool) -> int:
    """Return the exit status.

    Args:
        findings: With their consequences.
        strict: Whether a warning counts as an error.
        is_complete: Whether every part that was asked for could be checked.
    """
    severities = {each.cause.severity for finding in findings for each in (finding, *finding.consequences)}
    if "error" in severities or (strict and severities):
        return ERRORS
    return OK if is_complete else COULD_NOT_CHECK
