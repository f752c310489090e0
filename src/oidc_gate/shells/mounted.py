"""The endpoints without an application: what `wsgi.AuthBackend` and `asgi.AuthBackend` share."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Generic
from urllib.parse import urlsplit

from ..endpoints.context import Components
from ..endpoints.responses import problem
from ..errors import ConfigurationError
from ..gate import RenderSession
from ..model import Decision, Reply, Request
from ..runtime.world import World
from ..session.admissions import Payload
from ..settings import Settings
from ..settings.problems import describe_problem
from .common import Runtime, log_configuration_error

MAX_MOUNTS = 16


class Backend(Generic[Payload]):
    """The backend at one mount point."""

    def __init__(
        self, components: Components, render: RenderSession[Payload], world: World, mount: str
    ) -> None:
        self.runtime = Runtime(components, render, world)
        self._mount = mount
        prefix = components.settings.prefix
        self._parent = mount[: -len(prefix)] if mount else ""
        self._below = prefix if mount else ""
        self._find = self.runtime.find
        self.auth_path = "/auth" if mount else prefix + "/auth"

    def is_auth(self, path: str) -> bool:
        """Return whether a request asks for the verdict of ``/oauth2/auth``.

        Args:
            path: Below the mount.
        """
        return path == self.auth_path

    def verdict(self, cookie_header: str, query: str = "") -> Payload | None:
        """Return the 202 that follows from a cookie, or None where `Gate.decide` has to be asked.

        A session that meets the rules of the settings may enter everywhere, also where a trusted proxy names the
        path. A query is a further requirement, about which each session is asked once.
        """
        admission, _ = self._find(cookie_header)
        if admission is None:
            return None
        if query:
            number = self.runtime.gate.components.requirements.number_of(query)
            if number is None or not admission.meets(number):
                return None
        return admission.payload

    def with_prefix(self, request: Request) -> Request:
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
        if isinstance(decision, Reply) and self.runtime.gate.is_endpoint(request):
            return decision
        return problem(404, "not_found", "Only the endpoints of the gate are here.")


class Backends(Generic[Payload]):
    """One `Backend` for each mount point that requests came in by; nearly always a single one.

    Raises:
        ConfigurationError: Neither `public_url` nor `trusted_proxies` is set: a backend stands behind a proxy,
            and what the proxy passes on as ``Host`` and scheme is not what the browser used.
    """

    def __init__(
        self, settings: Settings, render: RenderSession[Payload], world: World | None = None
    ) -> None:
        if not settings.public_url and not settings.trusted_proxies:
            error = ConfigurationError([describe_problem("public_url", "backend_place", "default")])
            log_configuration_error(error)
            raise error
        self._settings = settings
        self._render = render
        self._world = world or World(settings)
        # The same for all mounts: a sign-out at one of them holds at all, and the provider is asked once.
        self._components = Components(settings)
        self._at: dict[str, Backend[Payload]] = {}
        self._lock = threading.Lock()

    def at(self, mount: str) -> Backend[Payload]:
        """Return the backend for requests that came in by `mount`."""
        found = self._at.get(mount)
        return found if found is not None else self._make(mount)

    def _make(self, mount: str) -> Backend[Payload]:
        with self._lock:
            if mount in self._at:
                return self._at[mount]
            base = urlsplit(self._settings.public_url or "").path.rstrip("/")
            prefix = mount[len(base) :] if mount.startswith(base + "/") else mount
            # At the path of `public_url` it is the application that is mounted, and the prefix is below.
            own_mount = mount.rstrip("/") if mount.rstrip("/") != base else ""
            components = self._components.below(prefix) if own_mount else self._components
            if len(self._at) >= MAX_MOUNTS:
                del self._at[next(iter(self._at))]
            backend = Backend(components, self._render, self._world, own_mount)
            self._at[mount] = backend
            return backend
