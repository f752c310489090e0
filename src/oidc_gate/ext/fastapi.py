"""Who is signed in, for FastAPI behind the gate.

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
from .starlette import current_identity, refuse

__all__ = ["CurrentIdentity", "OptionalIdentity", "current_identity", "require"]


def require(*, group: Groups | None = None) -> Callable[[HTTPConnection], Identity]:
    """Return a dependency that refuses all but some, and gives the identity.

    Args:
        group: One group, or several of which one is enough; whoever is signed in if left out.

    Returns:
        What goes into ``Depends``. 401 for nobody, 403 for somebody else; a WebSocket is closed with 1008.
    """
    required = required_groups(group)

    def identity(connection: HTTPConnection) -> Identity:
        refuse(connection, required)
        found = current_identity(connection)
        assert found is not None
        return found

    return identity


CurrentIdentity = Annotated[Identity, Depends(require())]
"""Who is signed in; 401 for nobody, which the gate turns into the sign-in for a browser."""

OptionalIdentity = Annotated[Identity | None, Depends(current_identity)]
"""Who is signed in, or None; for public paths."""
