"""``tls_client_auth`` and ``self_signed_tls_client_auth``: authentication by the TLS connection.

The two send the same; they differ in what the provider compares the certificate with. `oidc_gate.runtime.http`
sends the certificate itself.
"""

from __future__ import annotations

from dataclasses import replace

from ...effects import Step
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message


def tls_client_auth(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Add the client ID to the form, so that the provider knows which certificate to expect.

    Spec: RFC 8705 §2.
    """
    yield from ()
    body = oauth.add_form(oauth.drop(message.body, "client_id"), {"client_id": settings.client_id})
    return replace(message, body=body)
