"""What all contestants behind Nginx have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """Somebody who answers `auth_request`.

    Args:
        name: In tables.
        port: On 127.0.0.1.
        auth_path: What Nginx asks.
        leader: The process whose session does the work; 0 for Nginx itself.
        sign_in_url: Where a browser begins to sign in; empty where nothing is asked of a visitor.
        itself: It protects a page of its own here, without Nginx in front.
    """

    name: str
    port: int
    auth_path: str
    leader: int
    sign_in_url: str = ""
    itself: str = ""
