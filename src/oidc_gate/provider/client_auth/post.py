"""``client_secret_post``: client ID and client secret in the form."""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def client_secret_post(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add the client ID and the client secret to the form.

    Spec: RFC 6749 §2.3.1.
    """
    yield from ()
    # A pushed authorization request already contains client_id, and a parameter is sent once (RFC 6749 §3.2).
    body = oauth.drop(message.body, "client_id")
    body, _ = oauth.authenticate(
        "client_secret_post", settings.client_id, settings.client_secret or "", message.url, body
    )
    return replace(message, body=body)
