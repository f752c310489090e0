"""The headers of the kinds of clients as which the check sends requests."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from types import MappingProxyType

BROWSER: Mapping[str, str] = MappingProxyType(
    {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-User": "?1",
    }
)
SCRIPT: Mapping[str, str] = MappingProxyType(
    {
        "Accept": "application/json",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Site": "same-origin",
    }
)
FORGED_NAME = "oidc-gate-check-forged"
"""The user name in the forged headers. The page is searched for it."""
IDENTITY_HEADERS = (
    *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username"),
    *("X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"),
    *("X-Auth-Request-Preferred-Username", "Remote-User", "X-Remote-User", "X-User"),
)


def forged() -> dict[str, str]:
    """Return the headers of a browser that claims to be signed in."""
    return dict(BROWSER) | dict.fromkeys(IDENTITY_HEADERS, FORGED_NAME)


def with_cookie(name: str) -> dict[str, str]:
    """Return the headers of a browser with a session cookie that no gate has sealed."""
    return dict(BROWSER) | {"Cookie": f"{name}={secrets.token_urlsafe(48)}"}


def handshake(origin: str) -> dict[str, str]:
    """Return the headers of a WebSocket handshake.

    Spec: RFC 6455 §4.1.
    """
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Origin": origin,
    }
