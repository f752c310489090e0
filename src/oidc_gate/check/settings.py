"""The part of the check that reads the settings: every problem, and every doubtful choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import ConfigurationError
from ..settings import Settings
from ..settings.schema import SCHEMA
from .catalogue import CAUSES
from .doubts import Doubt, Surroundings, check_other_gate, check_store, doubts, public_suffix
from .findings import Finding

PART = "settings"


class SettingsResult(NamedTuple):
    """What was found.

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
    around: Surroundings,
    environ: Mapping[str, str],
    others: Mapping[str, Settings] | None = None,
) -> list[Finding]:
    """Return every doubtful choice.

    Args:
        environ: The environment that the settings were read from.
        others: The settings of other gates, by the path of their file.
    """
    found = [*doubts(settings, around), *check_store(settings)]
    if settings.cookie_domain and public_suffix(settings.cookie_domain) is None:
        found.append(Doubt("suffixes_missing", "cookie_domain", {"domain": settings.cookie_domain}))
    for path, other in (others or {}).items():
        found += check_other_gate(settings, other, path)
    return [
        Finding(CAUSES[doubt.cause], PART, _where(doubt.setting, around.config, environ), doubt.facts)
        for doubt in found
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
