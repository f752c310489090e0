"""``private_key_jwt``: an assertion that is signed with a private key whose public key the provider knows."""

from __future__ import annotations

from ...effects import Step
from ...settings import Settings
from ..discovery import Metadata
from .assertion import signing_key, with_assertion
from .message import Message


def private_key_jwt(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add an assertion signed with `client_private_key`.

    Spec: OpenID Connect Core §9; RFC 7523 §2.2.
    """
    key = signing_key(settings, metadata.token_endpoint_auth_signing_alg_values_supported)
    return with_assertion(message, key, metadata, settings)
