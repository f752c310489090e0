"""The endpoints without an application: what `wsgi.AuthBackend` and `asgi.AuthBackend` share."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Generic
from urllib.parse import urlsplit

from .endpoints.replies import problem
from .errors import ConfigurationError
from .gate import Tell
from .model import Decision, Reply, Request
from .runtime.world import World
from .session.cache import Known, SessionCache, Told
from .settings import Settings
from .settings.problems import describe_problem
from .shell import Engine, log_configuration_error

MOST_MOUNTS = 16


class Backend(Generic[Told]):
    """The backend at one mount point."""

    def __init__(
        self, settings: Settings, tell: Tell[Told], world: World, cache: SessionCache[Told], mount: str
    ) -> None:
        self.engine = Engine(settings, tell, world, cache)
        self._mount = mount
        prefix = settings.prefix
        self._parent = mount[: -len(prefix)] if mount else ""
        self._below = prefix if mount else ""
        self._split = self.engine.gate.parts.cookies.split
        self._recognise, self._clock = self.engine.gate.recognise, world.clock
        self.auth_path = "/auth" if mount else prefix + "/auth"

    def is_plain_auth(self, path: str, query: str | bytes) -> bool:
        """Tell whether a request asks for the verdict of ``auth`` that a cookie alone decides.

        Args:
            path: Below the mount.
        """
        return path == self.auth_path and not query

    def known(self, cookie_header: str) -> Known[Told] | None:
        """Return what follows from a cookie alone, or None where there is more to decide.

        Where a trusted proxy says what place was asked for, too: somebody let in is let in everywhere.
        """
        cookie, _ = self._split(cookie_header)
        known = self._recognise(cookie)
        if known is None or self._clock() >= known.until:
            return self.engine.meet(cookie, cookie_header)
        return known

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

    def reply_of(self, decision: Decision, request: Request) -> Reply:
        """Return the answer of an endpoint; there is no application to let anybody on to, or keep anybody from."""
        if isinstance(decision, Reply) and self.engine.gate.is_own(request):
            return decision
        return problem(404, "not_found", "Only the endpoints of the gate are here.")


class Backends(Generic[Told]):
    """One `Backend` for each mount point that requests came in by; nearly always a single one.

    Raises:
        ConfigurationError: Neither `public_url` nor `trusted_proxies` is set: a backend stands behind a proxy,
            and what the proxy passes on as ``Host`` and scheme is not what the browser used.
    """

    def __init__(self, settings: Settings, tell: Tell[Told], world: World | None = None) -> None:
        if not settings.public_url and not settings.trusted_proxies:
            error = ConfigurationError([describe_problem("public_url", "backend_place", "default")])
            log_configuration_error(error)
            raise error
        self._settings = settings
        self._tell = tell
        self._world = world or World(settings)
        # One for all mounts: who signs out at one of them is signed out at all.
        self._cache: SessionCache[Told] = SessionCache(
            settings.session_cache_entries, settings.session_cache_bytes
        )
        self._at: dict[str, Backend[Told]] = {}
        self._lock = threading.Lock()

    def at(self, mount: str) -> Backend[Told]:
        """Return the backend for requests that came in by `mount`."""
        found = self._at.get(mount)
        return found if found is not None else self._make(mount)

    def _make(self, mount: str) -> Backend[Told]:
        with self._lock:
            if mount in self._at:
                return self._at[mount]
            base = urlsplit(self._settings.public_url or "").path.rstrip("/")
            prefix = mount[len(base) :] if mount.startswith(base + "/") else mount
            # At the path of `public_url` it is the application that is mounted, and the prefix is below.
            hangs_at = mount.rstrip("/") if mount.rstrip("/") != base else ""
            settings = replace(self._settings, prefix=prefix) if hangs_at else self._settings
            if len(self._at) >= MOST_MOUNTS:
                del self._at[next(iter(self._at))]
            backend = Backend(settings, self._tell, self._world, self._cache, hangs_at)
            self._at[mount] = backend
            return backend
