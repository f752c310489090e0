"""The one place where faults are collected and normalised values are put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from ..faults import Fault, describe
from . import values

if TYPE_CHECKING:
    from ..settings import Settings


class Report:
    """Faults of settings that are still being made.

    Args:
        settings: Filled, not yet checked; `put` replaces a value by its normal form.
        sources: Where each setting came from that was given.
    """

    def __init__(self, settings: Settings, sources: Mapping[str, str]) -> None:
        self.settings = settings
        self.sources = sources
        self.broken: set[str] = set()
        self._faults: list[Fault] = []
        self._fields = {field.name: field for field in fields(settings)}

    def fault(self, setting: str, code: str, *, because: tuple[str, ...] = (), **details: Any) -> None:
        """Report a fault.

        Args:
            setting: Name of the setting.
            code: A key of `KINDS`.
            details: Fill the templates of `KINDS`.
            because: Other settings that this one follows from: if one of them is broken already, only that
                is worth telling.
        """
        if self.broken.isdisjoint((setting, *because)):
            self._faults.append(describe(setting, code, self.source(setting), **details))

    def unusable(self, setting: str, code: str, **details: Any) -> None:
        """Report a value that no other check can look at, and put the default in its place."""
        self.fault(setting, code, **details)
        self.broken.add(setting)
        self.put(setting, default(self._fields[setting]))

    def put(self, setting: str, value: object) -> None:
        """Replace the value of `setting` by its normal form."""
        object.__setattr__(self.settings, setting, value)

    def source(self, setting: str) -> str:
        """Return where `setting` came from."""
        if setting in self.sources:
            return self.sources[setting]
        is_default = getattr(self.settings, setting, None) == default(self._fields[setting])
        return "default" if is_default else "keyword"

    def faults(self) -> list[Fault]:
        """Return every fault, in the order of the settings; names that are no setting come first."""
        order = {name: place for place, name in enumerate(self._fields)}
        return sorted(self._faults, key=lambda fault: order.get(fault.setting, -1))


def default(field: Field[Any]) -> Any:
    """Return what `field` holds when nobody sets it; for a required one, an empty value of its type."""
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    return () if field.type == "tuple[str, ...]" else ""


def examine(
    settings: Settings, sources: Mapping[str, str], broken: Mapping[str, Fault] | None = None
) -> list[Fault]:
    """Normalise `settings` in place and return every fault.

    Args:
        settings: Filled with values of any type.
        sources: Where each given setting came from; empty for plain keywords.
        broken: Faults that are known already, by setting; nothing more is said of these.
    """
    report = Report(settings, sources)
    for name, fault in (broken or {}).items():
        report._faults.append(fault)
        report.broken.add(name)
    for field in fields(settings):
        values.normalise(report, field)
    for check in _checks():
        check(report)
    return report.faults()


def _checks() -> tuple[Any, ...]:
    return ()
