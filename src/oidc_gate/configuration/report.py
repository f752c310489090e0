"""The one place where faults are collected and normalised values are put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from ..faults import Fault, describe

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
        self.drop(setting)

    def known(self, fault: Fault) -> None:
        """Take a fault that was found before, and say nothing more of its setting."""
        self._faults.append(fault)
        self.broken.add(fault.setting)

    def drop(self, setting: str) -> None:
        """Put the default in place of a value of which everything is said."""
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
