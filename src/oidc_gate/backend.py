"""The endpoints without an application: what `wsgi.AuthBackend` and `asgi.AuthBackend` share."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from urllib.parse import urlsplit

from .endpoints.replies import problem
from .errors import ConfigurationError
from .faults import describe
from .model import Decision, Reply, Request
from .settings import Settings
from .shell import Engine
from .world import World

log = logging.getLogger("oidc_gate")

MOST_MOUNTS = 16


class Backend:
    """The backend at one mount point."""

    def __init__(self, settings: Settings, world: World, mount: str) -> None:
        self.engine = Engine(settings, world)
        self._mount = mount
        prefix = settings.prefix
        self._parent = mount[: -len(prefix)] if mount else ""
        self._below = prefix if mount else ""
        gate = self.engine.gate
        self._recognise = gate.recognise
        self._auth_path = gate.auth_path[len(self._below) :]
        self._judges_places = bool(settings.original_uri_header)

    def recognise_verdict(self, cookie_header: str, path: str, query: str, now: float) -> Reply | None:
        """Return the verdict of ``auth`` on a cookie seen a moment ago, or None where it takes more than that.

        Args:
            path: Below the mount.
        """
        if path != self._auth_path or query or self._judges_places:
            return None
        known = self._recognise(cookie_header, now)
        return known.verdict if known is not None else None

    def placed(self, request: Request) -> Request:
        """Return `request` as a gate sees it that has the prefix for its own."""
        if not self._below:
            return request
        return replace(
            request,
            mount=self._parent,
            path=self._below + request.path,
            raw_path=self._below + request.raw_path,
        )

    @staticmethod
    def reply_of(decision: Decision) -> Reply:
        """Return the reply; there is no application to let anybody on to."""
        if isinstance(decision, Reply) and not decision.drains:
            return decision
        return problem(404, "not_found", "Only the endpoints of the gate are here.")


class Backends:
    """One `Backend` for each mount point that requests came in by; nearly always a single one.

    Raises:
        ConfigurationError: Neither `public_url` nor `trusted_proxies` is set: a backend stands behind a proxy,
            and what the proxy passes on as ``Host`` and scheme is not what the browser used.
    """

    def __init__(self, settings: Settings, world: World | None) -> None:
        if not settings.public_url and not settings.trusted_proxies:
            error = ConfigurationError([describe("public_url", "backend_place", "default")])
            log.critical("%s", error)
            raise error
        self._settings = settings
        self._world = world or World(settings)
        self._at: dict[str, Backend] = {}
        self._lock = threading.Lock()

    def at(self, mount: str) -> Backend:
        """Return the backend for requests that came in by `mount`."""
        found = self._at.get(mount)
        return found if found is not None else self._make(mount)

    def _make(self, mount: str) -> Backend:
        with self._lock:
            if mount in self._at:
                return self._at[mount]
            base = urlsplit(self._settings.public_url or "").path.rstrip("/")
            prefix = mount[len(base) :] if mount.startswith(base + "/") else mount
            settings = replace(self._settings, prefix=prefix) if mount.rstrip("/") else self._settings
            backend = Backend(settings, self._world, mount.rstrip("/"))
            if len(self._at) < MOST_MOUNTS:
                self._at[mount] = backend
            return backend
