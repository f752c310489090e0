"""Sign-out at the provider, and sign-out that the provider reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..effects import Step
from ..settings import Settings
from . import oauth
from .client import Provider
from .discovery import Metadata
from .jose.recipient import Recipient

if TYPE_CHECKING:
    from .jose.logout_token import LogoutClaims


def build_logout_request(
    metadata: Metadata,
    settings: Settings,
    *,
    post_logout_redirect_uri: str,
    state: str,
    id_token_hint: str = "",
) -> str:
    """Build the URL that ends the user's session at a provider that has an `end_session_endpoint`.

    Args:
        state: A value that the browser brings back.
        id_token_hint: The ID token, if the session keeps it. With it, most providers do not ask the user to confirm.

    Spec: OpenID Connect RP-Initiated Logout §2.
    """
    params = {
        "client_id": settings.client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
        "id_token_hint": id_token_hint,
    }
    return oauth.add_query(
        metadata.end_session_endpoint, {name: value for name, value in params.items() if value}
    )


def process_logout_token(provider: Provider, token: str) -> Step[LogoutClaims]:
    """Verify a logout token with the provider's keys, and return which sessions it ends.

    Raises:
        IDTokenError: The token is not valid.
        ProviderUnavailable: The keys are not available.
        ProviderError: The answer with the keys is not acceptable.

    Not checked here: whether its ``jti`` was used before.

    Spec: OpenID Connect Back-Channel Logout §2.6.
    """

    def check(recipient: Recipient) -> LogoutClaims:
        from .jose.logout_token import validate_logout_token

        needs_exp = not provider.settings.accept_logout_tokens_without_exp
        return validate_logout_token(token, recipient, needs_exp=needs_exp)

    return (yield from provider.verify(check, provider.logout_token_algorithms, is_logout_token=True))
