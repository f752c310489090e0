"""Finds an application by its import string and serves it on a socket, for `oidc-gate demo`."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
from importlib import import_module
from typing import Any

from .. import asgi, wsgi
from ..shells.detect import detect_interface
from ..testing.gates import gates_in
from .common import needing_extra


class NotFound(Exception):
    """The application was not found. The message says what is missing."""


def find_application(name: str) -> Any:
    """Import an application.

    Args:
        name: ``module:attribute``. The module is also searched for in the current directory.

    Raises:
        NotFound: The module or the attribute does not exist, or is not an application. An exception inside the module
            is not caught.
    """
    module_name, _, attribute = name.partition(":")
    if not (module_name and attribute):
        raise NotFound(f"{name!r} does not name an application; write module:attribute, as in app:app")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(missing + "."):
            raise
        raise NotFound(f"there is no module {missing!r}, neither in {os.getcwd()} nor installed") from None
    for step in attribute.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            raise NotFound(f"the module {module_name!r} has no {attribute!r}") from None
    try:
        detect_interface(found)
    except TypeError:
        raise NotFound(f"{name!r} is neither a WSGI nor an ASGI application") from None
    return found


def require_gate(name: str, app: Any) -> None:
    """Refuse an application that is not behind a gate, because the demo would show it without a sign-in.

    Any gate in this process is sufficient, because a gate may be inside of other middleware where it cannot be found.

    Raises:
        NotFound: There is no `OIDCGate` and no `AuthBackend`. The message says what to write.
    """
    kinds = (asgi.OIDCGate, wsgi.OIDCGate, asgi.AuthBackend, wsgi.AuthBackend)
    if gates_in(app) or any(isinstance(found, kinds) for found in gc.get_objects()):
        return
    attribute = name.partition(":")[2]
    write = f"{attribute} = OIDCGate({attribute})"
    if hasattr(app, "wsgi_app"):
        write = f"{attribute}.wsgi_app = OIDCGate({attribute}.wsgi_app)"
    elif hasattr(app, "add_middleware"):
        write = f"{attribute}.add_middleware(OIDCGate)"
    raise NotFound(f"{name} is not behind the gate, so there is nothing to sign in to; write in it: {write}")


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a loopback port; 0 chooses any free port.

    Raises:
        OSError: The port is in use.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener


def serve(app: Any, listener: socket.socket) -> None:
    """Serve `app` until interrupted, with werkzeug's threaded server for WSGI and with uvicorn for ASGI."""
    if detect_interface(app) == "wsgi":
        _serve_with_werkzeug(app, listener)
    else:
        _serve_with_uvicorn(app, listener)


def _serve_with_werkzeug(app: Any, listener: socket.socket) -> None:
    with needing_extra("demo", "werkzeug"):
        from werkzeug.serving import make_server

    # Its access log contains query strings, and with them authorization codes.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    port = listener.getsockname()[1]
    server = make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno())
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


def _serve_with_uvicorn(app: Any, listener: socket.socket) -> None:
    with needing_extra("demo", "uvicorn"):
        import uvicorn

    config = uvicorn.Config(app, proxy_headers=False, log_level="warning", access_log=False, log_config=None)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print()


def refuse(message: str) -> int:
    """Print why the demo does not start, and return the exit status."""
    print(f"oidc-gate demo: {message}", file=sys.stderr)
    return 2


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument with the application's import string."""
    parser.add_argument(
        "application",
        nargs="?",
        metavar="APPLICATION",
        help="module:attribute of an application that contains the gate (default: a sample application)",
    )
