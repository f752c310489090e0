"""The certified npm oidc-provider as a subprocess. Sign in with any login; any password is right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import Server, running

CLIENT_ID = "gate"
CLIENT_SECRET = "a client secret with spaces, + and % in it"  # form-encoding in Basic is not optional here


@dataclass(frozen=True)
class NodeProvider:
    """A running provider."""

    server: Server
    issuer: str


def client(redirect_uri: str, **metadata: Any) -> dict[str, Any]:
    """Return a confidential client's registration; keywords add to it or replace."""
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
    } | metadata


@contextmanager
def node_provider(
    clients: Sequence[Mapping[str, Any]],
    *,
    directory: Path,
    host: str = "localhost",
    port: int | None = None,
    **options: Any,
) -> Iterator[NodeProvider]:
    """Run the provider until the block ends.

    Args:
        clients: client metadata; `client()` makes one.
        directory: where its log goes.
        host: in the issuer; `op.localhost` gives Chromium a cookie jar apart from the application's.
        port: on 127.0.0.1; without it, a free one.
        options: `accounts`, `features`, `consent`, `tls`, `settings`, as provider.mjs describes them.
    """
    script, node = need("npm-op", "node")
    port = free_port() if port is None else port
    issuer = f"{'https' if options.get('tls') else 'http'}://{host}:{port}"
    wanted = {"issuer": issuer, "port": port, "clients": list(clients), **options}
    argv: list[str | Path] = [node, script, json.dumps(wanted)]
    with running("op-node", argv, port=port, directory=directory) as server:
        yield NodeProvider(server, issuer)


def sign_in(page: Page, login: str = "alice") -> None:
    """Fill in the provider's sign-in form; ends at the page that the provider sends the browser to."""
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any password")
    page.get_by_role("button", name="Sign-in").click()
