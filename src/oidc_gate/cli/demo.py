"""Show the gate with a small provider to sign in at. It needs no configuration.

Without APPLICATION, a sample application is shown. APPLICATION can be yours, if it is wrapped in OIDCGate or mounts
AuthBackend. Before it is imported, OIDC_GATE_ISSUER, _CLIENT_ID, _CLIENT_SECRET, _COOKIE_SECRET, _PUBLIC_URL and
_SCOPES are set, except those that are set already. If OIDC_GATE_ISSUER is set, your own provider is used.
"""

from __future__ import annotations

import argparse
import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..settings import Settings
from ..wsgi import OIDCGate
from .application import NotFound, add_argument, find_application, listen, refuse, require_gate, serve
from .common import port
from .logs import add_log_format, set_up_logging
from .sample import PUBLIC_PATHS, sample_application

if TYPE_CHECKING:
    from ..testing import TestProvider

PORT = 8000
EXAMPLES = """
oidc-gate demo
oidc-gate demo myapp:app --port 8001
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the application, the ports and the log level."""
    add_argument(parser)
    parser.add_argument(
        "--port", type=port, default=PORT, help=f"port of the application ({PORT}); 0 for any"
    )
    parser.add_argument("--provider-port", type=port, default=0, help="port of the provider (any)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning"), default="info", help="(info)")
    add_log_format(parser)


def run(options: argparse.Namespace) -> int:
    """Serve the demo until interrupted."""
    set_up_logging(options.log_level, options.log_format)
    try:
        listener = listen(options.port)
    except OSError as error:
        return refuse(_port_refused("--port", options.port, error))
    url = f"http://localhost:{listener.getsockname()[1]}"
    with listener, ExitStack() as stack:
        # The environment is for an application of the user. The sample application has its own settings.
        given = os.environ if options.application else {}
        settings = settings_for(url, given)
        has_provider = "OIDC_GATE_ISSUER" in given
        if not has_provider:
            try:
                settings["OIDC_GATE_ISSUER"] = stack.enter_context(_provider(settings, options)).issuer
            except OSError as error:
                return refuse(_port_refused("--provider-port", options.provider_port, error))
        try:
            app = _application(options.application, settings)
            if options.application:
                require_gate(options.application, app)
        except NotFound as error:
            return refuse(str(error))
        print(_banner(options.application, settings, () if has_provider else DEMO_USERS), flush=True)
        serve(app, listener)
    return 0


def _port_refused(option: str, number: int, error: OSError) -> str:
    reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
    return f"port {number} {reason}; choose another one: oidc-gate demo {option} {8001 if option == '--port' else 0}"


def settings_for(url: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the ``OIDC_GATE_*`` variables of a demo at `url`: those in `given`, and defaults for the others."""
    defaults = {"COOKIE_SECRET": secrets.token_urlsafe(32), "PUBLIC_URL": url}
    if "OIDC_GATE_ISSUER" not in given:
        defaults |= {
            "CLIENT_ID": "demo",
            "CLIENT_SECRET": secrets.token_urlsafe(32),
            "SCOPES": "openid,email,profile,groups",
        }
    settings = {name: value for name, value in given.items() if name.startswith("OIDC_GATE_")}
    for name, value in defaults.items():
        if f"OIDC_GATE_{name}_FILE" not in given:
            settings.setdefault(f"OIDC_GATE_{name}", value)
    return settings


def _provider(settings: Mapping[str, str], options: argparse.Namespace) -> TestProvider:
    from ..testing import Client, Person, TestProvider

    base = settings["OIDC_GATE_PUBLIC_URL"].rstrip("/") + settings.get("OIDC_GATE_PREFIX", "/oauth2")
    client = Client(
        client_id=settings["OIDC_GATE_CLIENT_ID"],
        client_secret=_client_secret(settings),
        redirect_uris=[f"{base}/callback"],
        post_logout_redirect_uris=[f"{base}/signed_out"],
    )
    users = [
        Person(sub=sub, email=email, email_verified=True, name=name, groups=groups)
        for sub, name, email, groups in DEMO_USERS
    ]
    return TestProvider(clients=[client], people=users, host="localhost", port=options.provider_port)


def _client_secret(settings: Mapping[str, str]) -> str:
    file = settings.get("OIDC_GATE_CLIENT_SECRET_FILE")
    return Path(file).read_text("utf-8").rstrip("\r\n") if file else settings["OIDC_GATE_CLIENT_SECRET"]


def _application(name: str | None, settings: Mapping[str, str]) -> Any:
    if name is not None:
        os.environ.update(settings)
        return find_application(name)
    loaded = Settings.load(
        environ=settings,
        public_paths=PUBLIC_PATHS,
        allowed_email_domains=["example.com"],
        application_name="the demo",
        provider_name="the demo provider",
    )
    return OIDCGate(sample_application, loaded)


DemoUser = tuple[str, str, str, tuple[str, ...]]
DEMO_USERS: tuple[DemoUser, ...] = (
    ("ada", "Ada Lovelace", "ada@example.com", ("staff", "admins")),
    ("grace", "Grace Hopper", "grace@example.com", ("staff",)),
    ("eve", "Eve Outside", "eve@elsewhere.example", ()),
)
"""The users of the demo: subject, name, e-mail address, groups."""


def _banner(name: str | None, settings: Mapping[str, str], users: tuple[DemoUser, ...]) -> str:
    url = settings["OIDC_GATE_PUBLIC_URL"].rstrip("/")
    runs = f"{name or 'The demo'} runs at"
    lines = [f"  {runs}  {url}/"]
    if name is None:
        lines.append(f"  {'Sign in at':<{len(runs)}}  {url}/reports?month=5")
    for position, (_, person, email, groups) in enumerate(users):
        note = ", ".join(groups) or "can sign in, but is refused if only example.com may enter"
        lines.append(f"  {'' if position else 'as':<4}{person:<15}{email:<24}{note}")
    lines.append(f"\n  The provider is {settings['OIDC_GATE_ISSUER']}. Press Ctrl-C to stop.")
    return "\n" + "\n".join(lines) + "\n"
