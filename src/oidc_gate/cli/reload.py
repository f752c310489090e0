"""The settings of ``oidc-gate serve``: read at the start, and again for each SIGHUP."""

from __future__ import annotations

import logging
import time
from dataclasses import fields

from .. import __version__
from ..asgi import AuthBackend
from ..errors import ConfigurationError
from ..settings import Settings
from ..shells.common import load_settings
from .notify import notify

log = logging.getLogger("oidc_gate")


class SettingsLoader:
    """Reads the settings, and logs what a reload has changed, or why it changed nothing.

    Args:
        config: The TOML file, or None for the one that ``OIDC_GATE_CONFIG`` names, if any.
        place: The address on which the server listens, for the log.
        workers: The number of workers, for the log.
    """

    def __init__(self, config: str | None, place: str, workers: int) -> None:
        self._config, self._place, self._workers = config, place, workers
        self._served: Settings | None = None

    def load(self) -> Settings:
        """Return the settings, after a gate has been created with them.

        Raises:
            ConfigurationError: The settings cannot work. Every problem has been logged.
        """
        settings = load_settings(None, {} if self._config is None else {"config": self._config})
        AuthBackend(settings)
        return settings

    def reload(self) -> Settings | None:
        """Return the current settings, or None if they cannot work. The log then says why."""
        notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            return self.load()
        except ConfigurationError as error:
            log.error("SIGHUP: the new settings cannot work, so the old ones stay in use: %s", error)
            return None

    def on_ready(self, settings: Settings) -> None:
        """Log, and report to systemd, that the workers serve with these settings."""
        if self._served is None:
            count = "1 worker" if self._workers == 1 else f"{self._workers} workers"
            log.info("oidc-gate %s listens on %s with %s", __version__, self._place, count)
        elif settings is not self._served:
            log.info("SIGHUP: %s", self._difference(self._served, settings))
            if settings.insecure_single_process_revocation:
                log.warning(
                    "SIGHUP: the new workers do not know which sessions have ended, because this was only in the memory"
                    " of the old ones. Fix: set session_store or revocation_store"
                )
        self._served = settings
        notify("READY=1", f"STATUS=Listening on {self._place}")

    @staticmethod
    def _difference(old: Settings, new: Settings) -> str:
        names = [each.name for each in fields(Settings) if getattr(old, each.name) != getattr(new, each.name)]
        if names:
            return f"the workers are replaced; changed settings: {', '.join(names)}"
        return (
            "the workers are replaced; no setting has changed. Files are read again; environment variables are those"
            " that the process was started with"
        )
