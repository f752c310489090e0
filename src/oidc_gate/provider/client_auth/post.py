"""``client_secret_post``: in the form."""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def client_secret_post(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add client id and secret to the form.

    Spec: RFC 6749 §2.3.1.
    """
    yield from ()
    # A pushed authorization request holds client_id already, and a parameter is sent once (RFC 6749 §3.2).
    body = oauth.drop(message.body, "client_id")
    body, _ = oauth.authenticate(
        "client_secret_post", settings.client_id, settings.client_secret or "", message.url, body
    )
    return replace(message, body=body)
