"""The signed-in user in Flask behind the gate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from flask import abort, current_app, request
from werkzeug.local import LocalProxy

from ..model import Identity
from ._require import KEY, TOKEN_KEY, AccessToken, Groups, refusal, required_groups

P = ParamSpec("P")
R = TypeVar("R")


def _identity() -> Identity | None:
    found = request.environ.get(KEY)
    return found if isinstance(found, Identity) else None


current_identity = cast("Identity", LocalProxy(_identity))
"""The identity of the signed-in user, during a request. Without one it is false and equals None."""


def access_token() -> str | None:
    """Return an access token of the signed-in user, or None if there is none.

    It lasts for `access_token_min_seconds` at least. If it would expire earlier and `refresh` is set, the provider is
    asked for a new one; this waits for the answer, for 4.5 seconds at most. Call this for each use, and do not keep the
    result.
    """
    found: AccessToken | None = request.environ.get(TOKEN_KEY)
    return None if found is None else found.get()


async def aaccess_token() -> str | None:
    """Return what `access_token` returns, in an async view."""
    found: AccessToken | None = request.environ.get(TOKEN_KEY)
    return None if found is None else await found.aget()


def require(*, group: Groups | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a view that only some users may call.

    ::

        @app.post("/reports")
        @require(group="editors")
        def publish(): ...

    Args:
        group: One group, or several of which one is sufficient. Without it every signed-in user may call the view.

    Returns:
        A decorator, which must be below ``@app.route``. The view answers 401 without an identity, and 403 to users who
        are in none of the groups.

    Raises:
        ValueError: A group name is empty, or there is no group.
    """
    required = required_groups(group)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if status := refusal(_identity(), required):
                abort(status)
            called: Any = current_app.ensure_sync(view)(*args, **kwargs)
            return cast("R", called)

        return checked

    return decorate
