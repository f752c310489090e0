"""``client_secret_jwt``: an assertion under HS256 with the client secret, which so never travels."""

from __future__ import annotations

from ...effects import Step
from ...settings import Settings
from ..discovery import Metadata
from .assertion import with_assertion
from .message import Message


def client_secret_jwt(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add an assertion under the client secret.

    Spec: OpenID Connect Core §9.
    """
    from ..jose.private_keys import secret_key

    return with_assertion(message, secret_key(settings.client_secret or ""), metadata, settings)
