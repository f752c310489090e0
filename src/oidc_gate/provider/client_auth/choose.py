"""The choice of the authentication method."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...effects import Step
from ...errors import ProviderError
from ...settings import Settings
from ..discovery import Metadata
from .basic import client_secret_basic
from .certificate import tls_client_auth
from .message import Message, Method
from .none import none
from .post import client_secret_post
from .private_key_jwt import private_key_jwt
from .secret_jwt import client_secret_jwt

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "client_secret_basic": client_secret_basic,
        "client_secret_post": client_secret_post,
        "client_secret_jwt": client_secret_jwt,
        "private_key_jwt": private_key_jwt,
        "tls_client_auth": tls_client_auth,
        "self_signed_tls_client_auth": tls_client_auth,
        "none": none,
    }
)
_WITH_CERTIFICATE = ("tls_client_auth", "self_signed_tls_client_auth")


def choose_method(metadata: Metadata, settings: Settings) -> str:
    """Return the authentication method.

    It is ``client_auth`` if that is set. Otherwise it follows from the keys and secrets in the settings and from
    discovery.

    Raises:
        ProviderError: ``client_auth_unsupported``: discovery offers no method that this client can use.

    Spec: OpenID Connect Core §9; OpenID Connect Discovery §3 (without a list: client_secret_basic).
    """
    if settings.client_auth is not None:
        return settings.client_auth
    offered = metadata.token_endpoint_auth_methods_supported or ("client_secret_basic",)
    if settings.client_private_key:
        return "private_key_jwt"
    if settings.client_certificate:
        return _first(("tls_client_auth", "self_signed_tls_client_auth"), offered) or "tls_client_auth"
    if not settings.client_secret:
        return "none"
    method = _first(("client_secret_basic", "client_secret_post"), offered)
    if method is None:
        raise ProviderError(
            "client_auth_unsupported",
            "The sign-in service does not accept the authentication method of this application.",
            detail=f"discovery offers {', '.join(offered)}; a client_secret can be used with client_secret_basic "
            "and client_secret_post. Name another method in client_auth, or set client_private_key",
        )
    return method


def authenticate(message: Message, metadata: Metadata, settings: Settings) -> Step[Message]:
    """Return `message` with the authentication of the client added.

    Raises:
        ProviderError: ``client_auth_unsupported``.
    """
    return METHODS[choose_method(metadata, settings)](message, metadata, settings)


def uses_certificate(metadata: Metadata, settings: Settings) -> bool:
    """Return whether the client authenticates with a TLS certificate and so uses the aliases of the endpoints.

    Spec: RFC 8705 §5.
    """
    return choose_method(metadata, settings) in _WITH_CERTIFICATE


def _first(accepted: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    return next((method for method in accepted if method in offered), None)
