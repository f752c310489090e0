"""Client assertions and signed request objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ... import effects
from ...effects import Step
from ...errors import ProviderError
from ...settings import Settings
from .. import oauth
from ..discovery import Metadata
from .message import Message

if TYPE_CHECKING:
    from ..jose.private_keys import SigningKey


def with_assertion(
    message: Message, key: SigningKey, metadata: Metadata, settings: Settings
) -> Step[Message]:
    """Return `message` with a client assertion that is valid for a minute and can be used once.

    Spec: RFC 7523 §2.2, §3; OpenID Connect Core §9.
    """
    from ..jose.assertions import ASSERTION_TYPE, build_client_assertion

    now = yield from effects.now()
    random = yield from effects.random(16)
    assertion = build_client_assertion(
        key, client_id=settings.client_id, audience=_audience(metadata, settings), now=now, random=random
    )
    body = oauth.add_form(
        oauth.drop(message.body, "client_id"),
        {
            "client_id": settings.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        },
    )
    return replace(message, body=body)


def request_object(params: Mapping[str, str], metadata: Metadata, settings: Settings) -> Step[str]:
    """Return the authorization parameters as a signed request object.

    Spec: RFC 9101 §4, §10.2; OpenID Connect Core §6.1.
    """
    from ..jose.assertions import build_request_object

    key = signing_key(settings, metadata.request_object_signing_alg_values_supported)
    now = yield from effects.now()
    random = yield from effects.random(16)
    return build_request_object(
        key, params, client_id=settings.client_id, issuer=metadata.issuer, now=now, random=random
    )


def signing_key(settings: Settings, supported: tuple[str, ...] | None) -> SigningKey:
    """Return `client_private_key`, with an algorithm that suits the key and the provider.

    Raises:
        ProviderError: ``client_key_missing``.
    """
    from ..jose.private_keys import load_private_key

    if not settings.client_private_key:
        raise ProviderError(
            "client_key_missing",
            "The sign-in service requires a signature that this application cannot make.",
            detail="discovery or the settings require a signature: set client_private_key",
        )
    return load_private_key(
        settings.client_private_key,
        supported or (),
        alg=settings.client_private_key_alg,
        kid=settings.client_private_key_kid,
    )


def _audience(metadata: Metadata, settings: Settings) -> str:
    # FAPI 2.0 Security Profile §5.3.3.1 requires the issuer. OpenID Connect Core §9 recommends the token endpoint, and
    # some providers accept nothing else. By RFC 9126 §2 every PAR endpoint accepts both.
    return metadata.issuer if settings.fapi2 else metadata.token_endpoint
