"""``none``: a public client, known by its name alone; PKCE guards its code."""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def none(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add the client id to the form.

    Spec: RFC 6749 §3.2.1; OpenID Connect Core §9.
    """
    yield from ()
    body = oauth.drop(message.body, "client_id")
    body, _ = oauth.authenticate("none", settings.client_id, "", message.url, body)
    return replace(message, body=body)
