"""The addresses to register at the provider."""

from __future__ import annotations

from typing import NamedTuple

from ...settings import Settings


class Address(NamedTuple):
    """One address of the client's registration.

    Attributes:
        name: Its name in OpenID Connect Dynamic Client Registration.
        url: Empty if it is not known.
        note: When it is needed.
    """

    name: str
    url: str
    note: str


def addresses(settings: Settings, page_url: str = "") -> list[Address]:
    """Return the addresses to register.

    Args:
        page_url: A page of the application, which is used if `public_url` is not set.

    Spec: OpenID Connect Dynamic Client Registration §2; RP-Initiated, Back-Channel and Front-Channel Logout §2.
    """
    base = settings.public_url or "/".join(page_url.split("/", 3)[:3])
    if not base:
        return []
    below = base + settings.prefix
    ends_are_shared = settings.store_url is not None or settings.insecure_single_process_revocation
    needs = "" if ends_are_shared else "; it works with a revocation_store or a session_store"
    return [
        Address("redirect_uri", f"{below}/callback", "required"),
        Address("post_logout_redirect_uri", f"{below}/signed_out", "for sign-out at the provider"),
        Address("backchannel_logout_uri", f"{below}/backchannel_logout", f"optional{needs}"),
        Address("frontchannel_logout_uri", f"{below}/frontchannel_logout", f"optional{needs}"),
    ]
