"""``client_secret_jwt``: an assertion with HS256, whose key is the client secret. The secret itself is not sent."""

from __future__ import annotations

from ...effects import Step
from ...settings import Settings
from ..discovery import Metadata
from .assertion import with_assertion
from .message import Message


def client_secret_jwt(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add an assertion that is signed with the client secret.

    Spec: OpenID Connect Core §9.
    """
    from ..jose.private_keys import secret_key

    return with_assertion(message, secret_key(settings.client_secret or ""), metadata, settings)
