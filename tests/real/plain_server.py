"""Servers without a command: `python -m tests.real.plain_server wsgiref|werkzeug module:name PORT`."""

from __future__ import annotations

import sys
from wsgiref.simple_server import make_server

from werkzeug.serving import run_simple
from werkzeug.utils import import_string


def main(kind: str, app: str, port: str) -> None:
    application = import_string(app)
    if kind == "wsgiref":
        with make_server("127.0.0.1", int(port), application) as server:
            server.serve_forever()
    else:
        run_simple("127.0.0.1", int(port), application, threaded=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
