"""Show the gate before a sample application, with a small provider to sign in at. Nothing to configure."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from markupsafe import Markup

from .serve import set_up_logging

PORT = 8000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the port, and how much to tell."""
    parser.add_argument("--port", type=int, default=PORT, help=f"port of the application ({PORT}); 0 for any")
    parser.add_argument("--provider-port", type=int, default=0, help="port of the provider (any)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning"), default="info", help="(info)")


def run(options: argparse.Namespace) -> int:
    """Serve the demo until interrupted."""
    from werkzeug.serving import make_server

    from ..testing import Client, Person, TestProvider
    from ..wsgi import OIDCGate

    set_up_logging(options.log_level)
    try:
        server = make_server("127.0.0.1", options.port, sample_application, threaded=True)
    except (OSError, SystemExit):
        print(
            f"oidc-gate demo: port {options.port} is taken; choose one: oidc-gate demo --port 8001",
            file=sys.stderr,
        )
        return 2
    url, client_secret = f"http://localhost:{server.server_port}", secrets.token_urlsafe(32)
    client = Client(
        client_id="demo",
        client_secret=client_secret,
        redirect_uris=[f"{url}/oauth2/callback"],
        post_logout_redirect_uris=[f"{url}/oauth2/signed_out"],
    )
    people = [
        Person(
            sub="ada",
            email="ada@example.com",
            email_verified=True,
            name="Ada Lovelace",
            groups=("staff", "admins"),
        ),
        Person(
            sub="grace",
            email="grace@example.com",
            email_verified=True,
            name="Grace Hopper",
            groups=("staff",),
        ),
        Person(sub="eve", email="eve@elsewhere.example", email_verified=True, name="Eve Outside"),
    ]
    with TestProvider(
        clients=[client], people=people, host="localhost", port=options.provider_port
    ) as provider:
        server.app = OIDCGate(
            sample_application,
            issuer=provider.issuer,
            client_id=client.client_id,
            client_secret=client_secret,
            cookie_secret=secrets.token_urlsafe(32),
            public_url=url,
            public_paths=["/", "/favicon.ico"],
            scopes=["openid", "email", "profile", "groups"],
            allowed_email_domains=["example.com"],
            application_name="the demo",
            provider_name="the demo provider",
        )
        print(_WELCOME.format(url=url, issuer=provider.issuer), flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
        finally:
            server.server_close()
    return 0


_WELCOME = """
  The demo runs at   {url}/
  Sign in at         {url}/reports?month=5
  as   Ada Lovelace    ada@example.com         staff, admins
       Grace Hopper    grace@example.com       staff
       Eve Outside     eve@elsewhere.example   signs in, and is refused: only example.com may enter

  The provider is {issuer}. Ctrl-C ends both.
"""


def sample_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with a page that says who is there."""
    identity = environ.get("oidc_gate.identity")
    path = Markup.escape(environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace"))
    query = Markup.escape(environ.get("QUERY_STRING", ""))
    if identity is None:
        words = Markup(
            '<p>You are not signed in. <a href="/reports?month=5">Reports</a> are for people we know.</p>'
        )
    else:
        words = Markup(
            "<p>Hello, {}. You asked for <code>{}?{}</code>.</p><p>Groups: {}</p>"
            '<p><a href="/oauth2/userinfo">Who am I?</a> <a href="/oauth2/sign_out">Sign out</a></p>'
        ).format(identity.name or identity.label, path, query, ", ".join(identity.groups) or "none")
    page = _PAGE.format(words).encode()
    start_response(
        "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))]
    )
    return [page]


_PAGE = Markup("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A sample application</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem }}
a {{ margin-right: 1.5rem }}
</style>
</head><body><main><h1>A sample application</h1>{}</main></body></html>
""")
