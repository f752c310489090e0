"""Finds the gates in an application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import asgi, wsgi

# The attributes of Flask, Quart, Starlette's and werkzeug's middleware and Litestar, and other usual names.
_INNER = ("wsgi_app", "asgi_app", "asgi_handler", "middleware_stack", "_app", "app", "application")
_MAX_STEPS = 1000


def gates_in(app: Any) -> list[asgi.OIDCGate | wsgi.OIDCGate]:
    """Return every gate that a request to `app` can pass, starting with the outermost.

    A Starlette or FastAPI application builds its middleware when it first serves a request. It is built here if
    necessary.
    """
    return [found for found in _reachable(app) if isinstance(found, asgi.OIDCGate | wsgi.OIDCGate)]


def leads_to(app: Any, kind: type[Any]) -> bool:
    """Return whether a request to `app` can reach an object of this class."""
    return any(isinstance(found, kind) for found in _reachable(app))


def _reachable(app: Any) -> Iterator[Any]:
    waiting, seen = [app], {id(app)}
    while waiting and len(seen) < _MAX_STEPS:
        found = waiting.pop(0)
        yield found
        for inner in _directly_inside(found):
            if inner is not None and id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def _directly_inside(found: Any) -> Iterator[Any]:
    members = getattr(found, "__dict__", {})
    if members.get("middleware_stack", found) is None and hasattr(found, "build_middleware_stack"):
        found.middleware_stack = found.build_middleware_stack()
    for name in _INNER:
        yield members.get(name)
    mounts = members.get("mounts")
    if isinstance(mounts, dict):  # werkzeug's DispatcherMiddleware
        yield from mounts.values()
    routes = members.get("routes")
    if isinstance(routes, list):  # Starlette's Router
        yield from routes
