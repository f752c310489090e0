"""The part of the check that reads the settings: finds every problem and every questionable setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import ConfigurationError
from ..settings import Settings
from ..settings.schema import SCHEMA
from .catalogue import CAUSES
from .findings import Finding
from .questionable import (
    CheckContext,
    Questionable,
    check_other_gate,
    check_store,
    find_questionable,
    public_suffix,
)

PART = "settings"


class SettingsResult(NamedTuple):
    """The settings, and what is wrong with them.

    Attributes:
        settings: The settings; None if they cannot work.
        findings: The findings.
    """

    settings: Settings | None
    findings: list[Finding]


def read_settings(config: str | None, environ: Mapping[str, str]) -> SettingsResult:
    """Read the settings from the environment and a file, as the gate does.

    Args:
        config: The path of the TOML file; by default the one that ``OIDC_GATE_CONFIG`` names, if any.
    """
    try:
        return SettingsResult(Settings.load(config=config, environ=environ), [])
    except ConfigurationError as error:
        findings = [
            Finding(
                CAUSES["settings_invalid"],
                PART,
                f"{problem.setting} ({problem.source})",
                {"what": f"{problem.setting}: {problem.what} [{problem.code}]", "fix": problem.fix},
            )
            for problem in error.problems
        ]
        return SettingsResult(None, findings)


def check_settings(
    settings: Settings,
    context: CheckContext,
    environ: Mapping[str, str],
    others: Mapping[str, Settings] | None = None,
) -> list[Finding]:
    """Return a finding for every questionable setting.

    Args:
        environ: The environment that the settings were read from.
        others: The settings of other gates, by the path of their file.
    """
    found = [*find_questionable(settings, context), *check_store(settings)]
    if settings.cookie_domain and public_suffix(settings.cookie_domain) is None:
        found.append(Questionable("suffixes_missing", "cookie_domain", {"domain": settings.cookie_domain}))
    for path, other in (others or {}).items():
        found += check_other_gate(settings, other, path)
    return [
        Finding(CAUSES[each.cause], PART, _where(each.setting, context.config, environ), each.facts)
        for each in found
    ]


def _where(setting: str, config: str, environ: Mapping[str, str]) -> str:
    """Return the setting, and where its value comes from."""
    if setting not in SCHEMA:
        return config
    variable = SCHEMA[setting].variable
    for name in (variable, f"{variable}_FILE"):
        if name in environ:
            return f"{setting} ({name})"
    return f"{setting} ({config})" if config else f"{setting} ({variable})"
