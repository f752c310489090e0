"""The access token of the signed-in user, for the application: `oidc_gate.ext` has an accessor for each framework."""

from __future__ import annotations

from ..effects import Step
from ..endpoints.context import Components
from ..errors import SessionError
from ..refresh.refresher import Refresher
from ..runtime.driver import run
from ..runtime.world import World
from ..session.lifetime import without_expired_token
from ..session.sessions import LoadedSession
from ..settings import Settings

KEY = "oidc_gate.access_token"
"""The key of the `AccessToken` in a scope or an ``environ``."""
SIZE = 2_048  # bytes; the row without its body, and the ticket


class AccessToken:
    """The access token of one session. It is safe under threads.

    It can be used as long as the request lasts, even hours after a WebSocket was opened.
    """

    __slots__ = ("_loaded", "_refresher", "_settings", "_world")

    def __init__(
        self, world: World, settings: Settings, refresher: Refresher | None, loaded: LoadedSession
    ) -> None:
        self._world, self._settings, self._refresher, self._loaded = world, settings, refresher, loaded

    def __repr__(self) -> str:
        return "AccessToken(...)"

    def get(self) -> str | None:
        """Return a token that is valid for `access_token_min_seconds`, or None. It may wait for the provider."""
        now = int(self._world.clock())
        return self._lasting(now) or run(self._refreshed(now), self._world, _no_body, in_lanes=False)

    async def aget(self) -> str | None:
        """Return what `get` returns, without blocking the event loop."""
        from ..runtime.loops import arun  # needs anyio, which a WSGI server does not have to load

        now = int(self._world.clock())
        return self._lasting(now) or await arun(self._refreshed(now), self._world, _ano_body)

    def _lasting(self, now: int) -> str | None:
        return without_expired_token(self._loaded.session, self._settings, now).access_token or None

    def _refreshed(self, now: int) -> Step[str | None]:
        if self._refresher is not None:
            try:
                self._loaded = yield from self._refresher.keep_fresh(self._loaded._replace(at=now))
            except SessionError:
                return None
        return self._lasting(now)


def access_token_of(
    world: World, components: Components, loaded: LoadedSession | None
) -> tuple[dict[str, AccessToken], int]:
    """Return what is added to a scope or an ``environ`` for a session, and its size in bytes.

    It is empty without a token, so that nothing is added to the requests of applications that use none.
    """
    if loaded is None or (components.refresher is None and not loaded.session.access_token):
        return {}, 0
    return {KEY: AccessToken(world, components.settings, components.refresher, loaded)}, SIZE


def _no_body(limit: int) -> bytes:
    return b""


async def _ano_body(limit: int) -> bytes:
    return b""
