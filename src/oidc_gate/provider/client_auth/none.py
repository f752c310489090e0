"""``none``: a public client, which only sends its client ID. PKCE protects its authorization code."""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def none(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add the client ID to the form.

    Spec: RFC 6749 §3.2.1; OpenID Connect Core §9.
    """
    yield from ()
    body = oauth.drop(message.body, "client_id")
    body, _ = oauth.authenticate("none", settings.client_id, "", message.url, body)
    return replace(message, body=body)
