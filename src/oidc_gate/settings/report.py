"""Runs the checks: collects their findings, and passes the values that they derive on to the next checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .fields import Fields
from .problems import Problem, describe_problem
from .schema import SCHEMA


@dataclass(frozen=True, slots=True)
class Draft:
    """Settings that are being checked. A check reads them and yields findings; it changes nothing.

    Attributes:
        settings: The current values. Values that earlier checks found unusable are replaced by the default.
        sources: The source of each setting that was given.
        broken: The settings whose value cannot be used.
    """

    settings: Fields
    sources: Mapping[str, str]
    broken: frozenset[str]


class Wrong(NamedTuple):
    """A finding: something is wrong with a setting.

    Attributes:
        code: A key of `problems.TEMPLATES`.
        details: The values of the placeholders in its texts.
        because: Other settings on which this finding depends. If one of them is broken, only that is reported.
    """

    setting: str
    code: str
    details: Mapping[str, object]
    because: tuple[str, ...]


class Unusable(NamedTuple):
    """A finding: the value cannot be checked any further. It is replaced by its default, without further findings."""

    setting: str


class Derived(NamedTuple):
    """A finding: the setting has this value from here on. It is the normal form, or follows from other settings."""

    setting: str
    value: Any


Findings = Iterator[Wrong | Unusable | Derived]
Check = Callable[[Draft], Findings]


def wrong(setting: str, code: str, *, because: tuple[str, ...] = (), **details: object) -> Wrong:
    """Return the finding that `setting` has the problem `code`; see `Wrong`."""
    return Wrong(setting, code, details, because)


def unusable(setting: str, code: str, **details: object) -> Findings:
    """Yield that `setting` has the problem `code`, and that its value cannot be checked any further."""
    yield Wrong(setting, code, details, ())
    yield Unusable(setting)


def run_checks(
    checks: Iterable[Check], values: Mapping[str, Any], sources: Mapping[str, str], known: Iterable[Problem]
) -> tuple[Fields, list[Problem]]:
    """Return the settings in their normal form, and every problem in the order of the settings.

    Args:
        checks: In the order in which they build on one another.
        values: The value of every setting, of any type.
        sources: The source of each setting that was given.
        known: Problems that were found before. Nothing more is reported about these settings.
    """
    problems, broken = list(known), {each.setting for each in known}
    settings = Fields(**values)
    for check in checks:
        changes: dict[str, Any] = {}
        for finding in check(Draft(settings, sources, frozenset(broken))):
            match finding:
                case Wrong(setting, code, details, because):
                    if broken.isdisjoint((setting, *because)):
                        problems.append(
                            describe_problem(setting, code, sources.get(setting, "default"), **details)
                        )
                case Unusable(setting):
                    broken.add(setting)
                    changes[setting] = SCHEMA[setting].default
                case Derived(setting, value):
                    changes[setting] = value
        if changes:
            settings = replace(settings, **changes)
    places = {name: place for place, name in enumerate(SCHEMA)}
    return settings, sorted(problems, key=lambda each: places[each.setting])
