"""Find an application by its import string, and serve it on a socket: what `oidc-gate demo` does with yours."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from importlib import import_module
from typing import Any

from ..shells.detect import detect_interface


class NotFound(Exception):
    """There is no such application; the message says what is missing."""


def find_application(name: str) -> Any:
    """Import an application.

    Args:
        name: ``module:attribute``; the module is looked for below the current directory too.

    Raises:
        NotFound: There is no such module or attribute, or it is no application. An error inside the module
            comes as it is.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise NotFound(f"{name!r} names no application; write module:attribute, as in app:app")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(missing + "."):
            raise
        raise NotFound(f"there is no module {missing!r} in {os.getcwd()}, nor is one installed") from None
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


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine alone; 0 for any.

    Raises:
        OSError: The port is taken.
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
    """Serve `app` until interrupted: werkzeug's threaded server for WSGI, uvicorn for ASGI."""
    if detect_interface(app) == "wsgi":
        _serve_with_werkzeug(app, listener)
    else:
        _serve_with_uvicorn(app, listener)


def _serve_with_werkzeug(app: Any, listener: socket.socket) -> None:
    from werkzeug.serving import make_server

    # Its access log shows query strings, and with them the authorization code.
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
    import uvicorn

    config = uvicorn.Config(app, proxy_headers=False, log_level="warning", access_log=False, log_config=None)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print()


def refuse(message: str) -> int:
    """Say why the demo does not start; the exit status."""
    print(f"oidc-gate demo: {message}", file=sys.stderr)
    return 2


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add the application's import string."""
    parser.add_argument(
        "application",
        nargs="?",
        metavar="APPLICATION",
        help="module:attribute of an application that gates itself; a sample one if left out",
    )
