"""WSGI or ASGI? Told from the callable itself."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Literal

Interface = Literal["wsgi", "asgi"]


def interface_of(app: Any) -> Interface:
    """Return the interface that `app` speaks, seen through decorators, partials, bound methods and instances.

    Raises:
        TypeError: It cannot be told; says to name `interface`.
    """
    if not callable(app):
        raise TypeError(f"OIDCGate wraps a WSGI or an ASGI callable, not {type(app).__name__!r}")
    target = _target(app)
    if inspect.iscoroutinefunction(target):
        return "asgi"
    required = _positional(target)
    if required == 2:
        return "wsgi"
    if required == 3:
        return "asgi"
    raise TypeError(
        f"OIDCGate cannot tell whether {app!r} is a WSGI or an ASGI application; "
        'name it: OIDCGate(app, interface="wsgi") or OIDCGate(app, interface="asgi")'
    )


def _target(app: Any) -> Any:
    """Return the function behind `app` whose parameters count, bound where it was bound."""
    target = inspect.unwrap(app)
    while isinstance(target, functools.partial):
        if inspect.iscoroutinefunction(target.func):
            return target.func
        target = inspect.unwrap(target.func) if not (target.args or target.keywords) else target
        if isinstance(target, functools.partial):
            return target
    if inspect.isclass(target) or inspect.isroutine(target):
        return target
    return inspect.unwrap(target.__call__)


def _positional(target: Any) -> int | None:
    """Return how many positional arguments must be given, or None where that is open."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
        for parameter in parameters
    )
