"""Requests and settings in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oidc_gate.model import Headers, Request
from oidc_gate.request.forwarded import Site
from oidc_gate.request.return_to import own_address, safe_target, unchecked_target
from oidc_gate.settings import Settings


def settings(**values: Any) -> Settings:
    """Return valid settings, `values` replaced."""
    known: dict[str, Any] = {
        "issuer": "https://op.example",
        "client_id": "client",
        "client_secret": "not so secret",
        "cookie_secret": ("fDXvZ0rQY1xk3s9KJb7mTg5uWn2hE8aLcRpO4yViM6s",),
    }
    return Settings(**(known | values))


def request(
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    scheme: str = "http",
    mount: str = "",
    path: str = "/",
    raw_path: str | None = None,
    query: str = "",
    peer: str = "",
    is_websocket: bool = False,
) -> Request:
    """Return a request as a shell would make it."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    raw = path if raw_path is None else raw_path
    return Request(method, scheme, mount, path, raw, query, Headers(pairs), peer, is_websocket)


def requested_target(asked: Request, site: Site, given: Settings, default: str | None = None) -> str:
    """Return where an endpoint of the gate sends `asked` after sign-in, as `endpoints.base.RequestContext` does."""
    target = unchecked_target(asked) or default
    return (safe_target(target, site, given) if target else None) or top(site)


def own_target(asked: Request, site: Site, given: Settings) -> str:
    """Return where a protected page comes back to."""
    return safe_target(own_address(asked, site), site, given) or top(site)


def top(site: Site) -> str:
    """Return the path of the application's first page."""
    return site.mount + "/"
