"""Who is signed in, for Flask behind the gate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from flask import abort, current_app, request
from werkzeug.local import LocalProxy

from ..model import Identity
from ._require import KEY, Groups, refusal, required_groups

P = ParamSpec("P")
R = TypeVar("R")


def _identity() -> Identity | None:
    found = request.environ.get(KEY)
    return found if isinstance(found, Identity) else None


current_identity = cast("Identity", LocalProxy(_identity))
"""Who is signed in, within a request. For nobody it is falsy and equals None: ``if current_identity: ...``."""


def require(*, group: Groups | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a view that only some may call.

    Args:
        group: One group, or several of which one is enough; whoever is signed in if left out.

    Returns:
        A decorator; it goes below ``@app.route``. 401 for nobody, 403 for somebody else.
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
