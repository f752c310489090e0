"""The settings: from keywords, environment variables and a TOML file, checked as a whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .fields import Fields

if TYPE_CHECKING:
    from typing import Unpack

    from .keywords import SettingsKeywords

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Settings(Fields):
    """All settings, checked and in their normal form.

    ``docs/settings.md`` lists them. A list may be given as one text or as any sequence, and becomes a tuple.
    Durations end in ``_seconds``. Settings that weaken security begin with ``insecure_`` and are off by default.

    Example:
        >>> settings = Settings.load(client_id="app", public_paths=["/", "/static/*"])

    Args:
        keywords: Settings by name. The environment and the TOML file are not read; `Settings.load` does that.

    Raises:
        ConfigurationError: With every problem that was found; see `oidc_gate.settings.problems`.
    """

    def __init__(self, **keywords: Unpack[SettingsKeywords]) -> None:
        from .sources import from_keywords  # here, so that importing this module stays cheap

        super().__init__(**from_keywords(keywords))

    @classmethod
    def load(
        cls,
        *,
        config: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        **keywords: Unpack[SettingsKeywords],
    ) -> Settings:
        """Return settings from keywords, then ``OIDC_GATE_*`` environment variables, then a TOML file.

        Args:
            config: Path of the TOML file. By default it is the one that ``OIDC_GATE_CONFIG`` names, if any.
            environ: Environment variables to read instead of those of the process.
            keywords: Settings by name. None counts as not given if None is the default of the setting.

        Raises:
            ConfigurationError: With every problem of every source.
        """
        from .sources import load

        settings = cls.__new__(cls)
        Fields.__init__(settings, **load(config, os.environ if environ is None else environ, keywords))
        return settings
