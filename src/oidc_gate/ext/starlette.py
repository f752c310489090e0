"""The signed-in user in Starlette behind the gate.

Starlette's own authentication works too, without this module: ``request.user``, ``request.auth.scopes``, and
``@requires("authenticated")`` or ``@requires("group:staff")``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from ..model import Identity
from ._require import (
    CHALLENGE,
    KEY,
    NOT_IN_GROUP,
    SIGN_IN_FIRST,
    TOKEN_KEY,
    AccessToken,
    Groups,
    refusal,
    required_groups,
)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def current_identity(connection: HTTPConnection) -> Identity | None:
    """Return the identity of the signed-in user, or None.

    Args:
        connection: A `Request` or a `WebSocket`.
    """
    found = connection.scope.get(KEY)
    return found if isinstance(found, Identity) else None


def access_token(connection: HTTPConnection) -> str | None:
    """Return an access token of the signed-in user, or None if there is none, in an endpoint that is not async.

    It lasts for `access_token_min_seconds` at least. If it would expire earlier and `refresh` is set, the provider is
    asked for a new one; this waits for the answer, for 4.5 seconds at most. Call this for each use, and do not keep the
    result.

    Args:
        connection: A `Request` or a `WebSocket`.
    """
    found: AccessToken | None = connection.scope.get(TOKEN_KEY)
    return None if found is None else found.get()


async def aaccess_token(connection: HTTPConnection) -> str | None:
    """Return what `access_token` returns, without blocking the event loop."""
    found: AccessToken | None = connection.scope.get(TOKEN_KEY)
    return None if found is None else await found.aget()


def require(*, group: Groups | None = None) -> Callable[[Endpoint], Endpoint]:
    """Decorate an endpoint that only some users may call: a function, or a method of an ``HTTPEndpoint``.

    ::

        @require(group="editors")
        async def publish(request): ...

    Args:
        group: One group, or several of which one is sufficient. Without it every signed-in user may call the endpoint.

    Returns:
        A decorator. The endpoint answers 401 without an identity, and 403 to users who are in none of the groups; a
        WebSocket is closed with 1008.

    Raises:
        ValueError: A group name is empty, or there is no group.
    """
    required = required_groups(group)

    def decorate(endpoint: Endpoint) -> Endpoint:
        def check(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given = (*args, *kwargs.values())
            refuse(next(value for value in given if isinstance(value, HTTPConnection)), required)

        @functools.wraps(endpoint)
        async def acalled(*args: Any, **kwargs: Any) -> Any:
            check(args, kwargs)
            return await endpoint(*args, **kwargs)

        @functools.wraps(endpoint)
        def called(*args: Any, **kwargs: Any) -> Any:
            check(args, kwargs)
            return endpoint(*args, **kwargs)

        checked: Any = acalled if inspect.iscoroutinefunction(endpoint) else called
        return checked  # type: ignore[no-any-return]

    return decorate


def refuse(connection: HTTPConnection, required: frozenset[str]) -> None:
    """Raise an exception if the user of a connection is in none of the required groups.

    Raises:
        HTTPException: 401 without an identity, 403 for other users.
        WebSocketException: 1008, for a WebSocket.
    """
    status = refusal(current_identity(connection), required)
    if status and connection.scope["type"] == "websocket":
        raise WebSocketException(1008)
    if status == 401:
        raise HTTPException(401, SIGN_IN_FIRST, headers=CHALLENGE)
    if status:
        raise HTTPException(403, NOT_IN_GROUP)
