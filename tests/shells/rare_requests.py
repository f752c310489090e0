"""Settings, headers and requests that few replies need."""

from __future__ import annotations

from typing import Any

from tests.shells.driving import Answer, Upload
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site, Visitor
from tests.shells.test_snapshots import (
    Ask,
    by,
)

FRAME = NAVIGATION | {"Sec-Fetch-Dest": "iframe"}
PREFETCH = NAVIGATION | {"Sec-Purpose": "prefetch"}
POSTED = {"X-Auth-Request-Method": "POST"}
STORE = {"session_store": "redis://store.example/0"}
ALONE = {"insecure_single_process_revocation": True}
PROXY: dict[str, Any] = {
    "trusted_proxies": ("192.0.2.0/24",),
    "public_url": ORIGIN,
    "original_uri_header": "X-Original-URI",
    "original_method_header": "X-Original-Method",
    "public_paths": ("/open/*",),
}
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
ELSEWHERE = {"allowed_origins": ("https://other.example",)}
FROM_ELSEWHERE = FETCH | {"Origin": "https://other.example"}
OTHER_HOST = {"allowed_redirect_hosts": ("wiki.example.com",)}


def asks(endpoint: str, headers: dict[str, str] | None = None, method: str = "GET", **who: Any) -> Ask:
    """Ask an endpoint, as a signed-in user if `who` is given."""
    return by(lambda visitor: visitor.ask(endpoint, headers, method), person=bool(who), **who)


def on_host(host: str, endpoint: str, headers: dict[str, str], *, person: bool = False) -> Ask:
    """Ask an endpoint on another host."""

    def ask(site: Site) -> Answer:
        visitor = site.person() if person else site.visitor()
        cookies = [("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()))]
        pairs = [("Host", host), *headers.items(), *(cookies if person else [])]
        return site.send("GET", site.path(endpoint), pairs, Upload())

    return ask


def replaced(visitor: Visitor, page: str = "/reports", headers: dict[str, str] | None = None) -> Answer:
    """Ask for the sign-in page as Nginx does in place of a page."""
    given = {"X-Auth-Request-Redirect": visitor.site.own(page)} | (headers or {})
    return visitor.ask("sign_in", NAVIGATION | given)


def asks_about_open(visitor: Visitor) -> Answer:
    """Ask about a public path, as a trusted proxy does."""
    return visitor.ask("auth", {"X-Original-URI": visitor.site.own("/open/x"), "X-Original-Method": "GET"})
