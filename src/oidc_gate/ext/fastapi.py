"""The signed-in user in FastAPI behind the gate.

::

    @app.get("/me")
    def me(identity: CurrentIdentity) -> str:
        return identity.email

    @app.delete("/reports", dependencies=[Depends(require(group="admins"))])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from ..model import Identity
from ._require import Groups, required_groups
from .starlette import aaccess_token, access_token, current_identity, refuse

__all__ = [
    "AccessToken",
    "CurrentIdentity",
    "OptionalIdentity",
    "aaccess_token",
    "access_token",
    "current_identity",
    "require",
]


def require(*, group: Groups | None = None) -> Callable[[HTTPConnection], Identity]:
    """Return a dependency that admits only some users and provides their identity.

    Args:
        group: One group, or several of which one is sufficient. Without it every signed-in user is admitted.

    Returns:
        The argument for ``Depends``. It answers 401 without an identity, and 403 to users who are in none of the
        groups; a WebSocket is closed with 1008.

    Raises:
        ValueError: A group name is empty, or there is no group.
    """
    required = required_groups(group)

    def identity(connection: HTTPConnection) -> Identity:
        refuse(connection, required)
        found = current_identity(connection)
        assert found is not None
        return found

    return identity


CurrentIdentity = Annotated[Identity, Depends(require())]
"""The identity of the signed-in user. Without one the answer is 401, which the gate replaces by the sign-in page."""

OptionalIdentity = Annotated[Identity | None, Depends(current_identity)]
"""The identity of the signed-in user, or None, for public paths."""

AccessToken = Annotated[str | None, Depends(aaccess_token)]
"""An access token of the signed-in user, or None; see `access_token`."""
