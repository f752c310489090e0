"""The endpoints without an application, for `wsgi.AuthBackend` and `asgi.AuthBackend`."""

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
from ..syntax.paths import is_plain_path
from .common import Runtime, log_configuration_error, make_world

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
        """Return whether a request is for ``/oauth2/auth``.

        Args:
            path: The path below the mount.
        """
        return path == self.auth_path

    def for_path(self, path: str) -> Backend[Payload]:
        """Return the backend that answers requests for `path`, which is below the mount."""
        return self

    def verdict(self, cookie_header: str, query: str = "") -> Payload | None:
        """Return the 202 for a cookie, or None if `Gate.decide` is needed.

        A session that satisfies the rules of the settings is admitted to every path, so the path that a trusted proxy
        reports does not matter. A query is a further requirement, which is checked once for each session.
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
        """Return `request` with the mount as the prefix of the gate."""
        if not self._below:
            return request
        return replace(
            request,
            mount=self._parent,
            path=self._below + request.path,
            raw_path=self._below + request.raw_path,
        )

    def reply_of(self, decision: Decision, request: Request) -> Reply:
        """Return the answer of an endpoint. There is no application that could be called."""
        if isinstance(decision, Reply) and self.runtime.gate.is_endpoint(request):
            return decision
        return problem(404, "not_found", "Only the endpoints of the gate are available here.")


class UncertainBackend(Backend[Payload]):
    """A backend at a mount that is its prefix, or that of the application whose root it is: the path decides.

    Without `public_url` nothing else says which of the two the mount is. Mounted at ``/sign-in``, it answers
    ``/sign-in/auth``; at the root of an application that is mounted at ``/base``, it answers ``/base/oauth2/auth``.
    """

    def __init__(
        self,
        components: Components,
        render: RenderSession[Payload],
        world: World,
        mount: str,
        root: Backend[Payload],
    ) -> None:
        super().__init__(components, render, world, mount)
        self._root = root
        self._root_prefix = root.runtime.gate.below_prefix
        self._auth_paths = (self.auth_path, root.auth_path)

    def is_auth(self, path: str) -> bool:
        """Return whether a request is for ``auth``, below the mount or below the prefix of the settings."""
        return path in self._auth_paths

    def for_path(self, path: str) -> Backend[Payload]:
        """Return the backend at the root if `path` begins with the prefix of the settings."""
        return self._root if path.startswith(self._root_prefix) else self


class Backends(Generic[Payload]):
    """One `Backend` for each mount point through which requests arrive; nearly always a single one.

    Raises:
        ConfigurationError: Neither `public_url` nor `trusted_proxies` is set. A backend is behind a proxy, whose
            ``Host`` and scheme are not those that the browser used.
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
        self._world = world or make_world(settings)
        # All mounts share these, so a sign-out at one of them applies to all, and discovery is fetched once.
        self._components = Components(settings, self._world.store)
        self.root = Backend(self._components, render, self._world, "")
        self._at: dict[str, Backend[Payload]] = {"": self.root}
        self._lock = threading.Lock()

    def at(self, mount: str) -> Backend[Payload] | None:
        """Return the backend for requests that arrive through `mount`, or None if nothing can be mounted there.

        Some servers let a client choose the mount (gunicorn takes the header ``SCRIPT_NAME``).
        """
        found = self._at.get(mount)
        return found if found is not None else self._make(mount)

    def warm_up(self) -> None:
        """Fetch metadata and keys in the background, once in each process, however many mounts there are."""
        self.root.runtime.warm_up()

    def _make(self, mount: str) -> Backend[Payload] | None:
        with self._lock:
            if mount in self._at:
                return self._at[mount]
            own_mount = mount.rstrip("/")
            base = self._base_of(own_mount)
            if base and not is_plain_path(base):
                return None  # in a link, //other.example/oauth2 would be on another host
            prefix = own_mount[len(base) :] if own_mount.startswith(base + "/") else own_mount
            # At the path of `public_url` the application is mounted, and the prefix is below it.
            own_mount = "" if own_mount == base else own_mount
            try:
                backend = self._backend(prefix, own_mount) if own_mount else self.root
            except ConfigurationError:
                return None
            if len(self._at) >= MAX_MOUNTS:
                self._forget(next(iter(self._at)))
            self._at[mount] = backend
            return backend

    def _base_of(self, mount: str) -> str:
        """Return the path of the application in which the backend is mounted, as far as the settings tell it."""
        if self._settings.public_url:
            return urlsplit(self._settings.public_url).path.rstrip("/")
        return mount.removesuffix(self._settings.prefix) if mount.endswith(self._settings.prefix) else ""

    def _backend(self, prefix: str, mount: str) -> Backend[Payload]:
        components = self._components.below(prefix)
        # A mount that ends with the prefix of the settings is where the endpoints are: no path below it is one of them.
        if self._settings.public_url or mount.endswith(self._settings.prefix):
            return Backend(components, self._render, self._world, mount)
        return UncertainBackend(components, self._render, self._world, mount, self.root)

    def _forget(self, mount: str) -> None:
        """Remove a mount, but keep its counts."""
        backend, metrics = self._at.pop(mount), self._world.metrics
        if metrics is not None and backend is not self.root:
            metrics.retire(backend.runtime.answered)


def no_such_mount() -> Reply:
    """Return the answer to a request for which `Backends.at` returns None."""
    return problem(404, "not_found", "The endpoints of the gate cannot be mounted at this path.")
