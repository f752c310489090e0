"""Run the provider as a command: `python -m oidc_gate.testing.provider --redirect-uri http://localhost:8000/cb`."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence

from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.provider import TestProvider


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted. Alice and Bob can sign in."""
    parser = argparse.ArgumentParser(prog="python -m oidc_gate.testing.provider", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses any free port")
    parser.add_argument(
        "--host", choices=("127.0.0.1", "localhost"), default="localhost", help="the host in the issuer"
    )
    parser.add_argument("--client-id", default="app")
    parser.add_argument("--client-secret", help="without it the client is public")
    parser.add_argument("--redirect-uri", action="append", required=True, help="can be given several times")
    parser.add_argument("--post-logout-redirect-uri", action="append", default=[])
    parser.add_argument("--auto-login", metavar="SUB", help="sign this user in without asking")
    given = parser.parse_args(arguments)
    client = Client(
        client_id=given.client_id,
        client_secret=given.client_secret,
        redirect_uris=given.redirect_uri,
        post_logout_redirect_uris=given.post_logout_redirect_uri,
    )
    with TestProvider(clients=[client], auto_login=given.auto_login, port=given.port, host=given.host) as op:
        sys.stdout.write(f"OpenID Provider for tests at {op.issuer}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
