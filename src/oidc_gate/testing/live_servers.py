"""Recognizes requests that a server passes on, as opposed to requests of a test client.

Test clients call the application from any thread and on any event loop, so these do not distinguish them from servers.
A server is recognized by its own code: in the call stack, or in the callables that it gives to the application. Servers
that are not listed here usually set ``SERVER_SOFTWARE``, which test clients do not. If an ASGI application passes
requests on to a WSGI application in another thread, the call stack begins there, but the context (`contextvars`) is
that of the caller.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from types import FrameType
from typing import Any

# Modules that only run when a server passes a request on. Packages that also contain middleware are not listed whole.
_SERVERS = (
    *("gunicorn", "waitress", "granian", "_granian", "daphne", "cheroot", "bjoern", "meinheld", "mod_wsgi"),
    *("uvicorn.protocols", "uvicorn.middleware.wsgi", "hypercorn.asyncio", "hypercorn.trio"),
    *("hypercorn.app_wrappers", "hypercorn.protocol", "werkzeug.serving", "wsgiref.simple_server"),
    *("wsgiref.handlers", "socketserver", "http.server", "gevent.pywsgi", "eventlet.wsgi"),
    *("tornado.http1connection", "aiohttp.web_protocol", "twisted.web"),
)
_BRIDGES = ("starlette.middleware.wsgi", "a2wsgi", "asgiref.wsgi")

_is_in_a_test: ContextVar[bool] = ContextVar("_is_in_a_test", default=False)


@contextmanager
def in_a_test() -> Iterator[None]:
    """Mark the context of the test that uses `signed_in`."""
    token = _is_in_a_test.set(True)
    try:
        yield
    finally:
        _is_in_a_test.reset(token)


def server_behind(request: Mapping[str, Any], *callables: object) -> str:
    """Return the name of the server that passes a request on, or an empty string for a test client.

    Args:
        request: The WSGI ``environ`` or the ASGI scope.
        callables: The other arguments of the application: ``start_response``, or ``receive`` and ``send``.
    """
    for module in map(_module_of, callables):
        if _is_in(_SERVERS, module) or (_is_in(_BRIDGES, module) and not _is_in_a_test.get()):
            return _name(module)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_in(_SERVERS, module := frame.f_globals.get("__name__", "")):
            return _name(module)
        frame = frame.f_back
    return str(request.get("SERVER_SOFTWARE", ""))


def _module_of(callable_: object) -> str:
    while isinstance(callable_, partial):
        callable_ = callable_.func
    owner = getattr(callable_, "__self__", None) or callable_
    return str(getattr(owner, "__module__", None) or type(owner).__module__)


def _is_in(names: tuple[str, ...], module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _name(module: str) -> str:
    return module.partition(".")[0].lstrip("_")
