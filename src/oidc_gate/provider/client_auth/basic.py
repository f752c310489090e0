"""``client_secret_basic``: an ``Authorization`` header."""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def client_secret_basic(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add the client ID and the client secret, each form-encoded, as a Basic ``Authorization`` header.

    Spec: RFC 6749 §2.3.1.
    """
    yield from ()
    body, headers = oauth.authenticate(
        "client_secret_basic", settings.client_id, settings.client_secret or "", message.url, message.body
    )
    return replace(message, body=body, headers=(*message.headers, *headers.items()))
