"""Sign-out at the provider."""

from __future__ import annotations

from ..settings import Settings
from . import oauth
from .discovery import Metadata


def build_logout_request(
    metadata: Metadata,
    settings: Settings,
    *,
    post_logout_redirect_uri: str,
    state: str,
    id_token_hint: str = "",
) -> str | None:
    """Build the URL that ends the person's session at the provider; None if it offers none.

    Args:
        state: Comes back with the browser.
        id_token_hint: The ID token, if it was kept; with it most providers ask no question.

    Spec: OpenID Connect RP-Initiated Logout §2.
    """
    if not metadata.end_session_endpoint:
        return None
    params = {
        "client_id": settings.client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
        "id_token_hint": id_token_hint,
    }
    return oauth.add_query(
        metadata.end_session_endpoint, {name: value for name, value in params.items() if value}
    )
