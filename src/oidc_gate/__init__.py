"""OpenID Connect sign-in in front of a Python web application: ``app = OIDCGate(app)``.

Public: `OIDCGate`, `AuthBackend`, `Settings`, `Identity`, and the errors. Everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from .errors import (
    AccessDenied,
    CallbackError,
    ConfigurationError,
    GateError,
    IDTokenError,
    ProviderError,
    ProviderUnavailable,
    SessionError,
)
from .model import Identity
from .settings import Settings
from .shells.detect import Interface, detect_interface, validate_interface

if TYPE_CHECKING:
    from typing import Unpack

    from . import asgi, wsgi
    from .asgi import ASGIApplication
    from .settings.keywords import LoadKeywords
    from .shells.wsgi_messages import WSGIApplication

__version__ = "0.1.0"

__all__ = [
    "AccessDenied",
    "AuthBackend",
    "CallbackError",
    "ConfigurationError",
    "GateError",
    "IDTokenError",
    "Identity",
    "OIDCGate",
    "ProviderError",
    "ProviderUnavailable",
    "SessionError",
    "Settings",
]


# The ASGI signature comes first: `add_middleware(OIDCGate, ...)` uses the first one, and only ASGI has it.
@overload
def OIDCGate(
    app: ASGIApplication,
    /,
    settings: Settings | None = None,
    *,
    interface: Literal["asgi"] | None = None,
    **keywords: Unpack[LoadKeywords],
) -> asgi.OIDCGate: ...
@overload
def OIDCGate(
    app: WSGIApplication,
    /,
    settings: Settings | None = None,
    *,
    interface: Literal["wsgi"] | None = None,
    **keywords: Unpack[LoadKeywords],
) -> wsgi.OIDCGate: ...
def OIDCGate(
    app: Any,
    /,
    settings: Settings | None = None,
    *,
    interface: Interface | None = None,
    **keywords: Unpack[LoadKeywords],
) -> wsgi.OIDCGate | asgi.OIDCGate:
    """Put OpenID Connect sign-in in front of a WSGI or an ASGI application.

    Example:
        >>> app = OIDCGate(app, client_id="app", public_paths=["/", "/static/*"])

    Args:
        app: A WSGI or an ASGI callable: Flask, Django, FastAPI, Starlette, Litestar, or a plain function.
        settings: Settings that were created before. Without them, the settings come from `keywords`, then from
            ``OIDC_GATE_*`` environment variables, then from the TOML file that ``OIDC_GATE_CONFIG`` names.
        interface: ``wsgi`` or ``asgi``, for a callable whose parameters do not show its interface.
        keywords: Settings by name, as ``docs/settings.md`` lists them, and ``config`` and ``environ`` as for
            `Settings.load`.

    Returns:
        `oidc_gate.wsgi.OIDCGate` or `oidc_gate.asgi.OIDCGate`.

    Raises:
        ConfigurationError: The settings cannot work. It contains every problem.
        TypeError: The interface cannot be recognized, it contradicts `interface`, or the application is behind a gate
            already.
        ValueError: `interface` is neither ``wsgi`` nor ``asgi``.
    """
    if interface is None:
        interface = detect_interface(app)
    validate_interface(interface)
    if interface == "wsgi":
        from .wsgi import OIDCGate as WSGIGate

        return WSGIGate(app, settings, **keywords)
    from .asgi import OIDCGate as ASGIGate

    return ASGIGate(app, settings, **keywords)


@overload
def AuthBackend(
    settings: Settings | None = None, *, interface: Literal["wsgi"], **keywords: Unpack[LoadKeywords]
) -> wsgi.AuthBackend: ...
@overload
def AuthBackend(
    settings: Settings | None = None, *, interface: Literal["asgi"], **keywords: Unpack[LoadKeywords]
) -> asgi.AuthBackend: ...
def AuthBackend(
    settings: Settings | None = None, *, interface: Interface, **keywords: Unpack[LoadKeywords]
) -> wsgi.AuthBackend | asgi.AuthBackend:
    """Return only the endpoints of the gate, to mount in an application behind a proxy that asks ``/oauth2/auth``.

    This is neither Django's authentication backend (see `oidc_gate.ext.django.OIDCGateBackend`) nor Starlette's
    ``AuthenticationBackend`` (which `OIDCGate` makes unnecessary): those say who a user is, and this answers requests.

    Example:
        >>> app.mount("/oauth2", AuthBackend(interface="asgi", public_url="https://app.example.com"))

    Args:
        settings, keywords: As for `OIDCGate`. `public_url` or `trusted_proxies` is required.
        interface: ``wsgi`` or ``asgi``, the interface of the application in which it is mounted.

    Returns:
        `oidc_gate.wsgi.AuthBackend` or `oidc_gate.asgi.AuthBackend`.

    Raises:
        ConfigurationError: The settings cannot work. It contains every problem.
        ValueError: `interface` is neither ``wsgi`` nor ``asgi``.
    """
    validate_interface(interface)
    if interface == "wsgi":
        from .wsgi import AuthBackend as WSGIBackend

        return WSGIBackend(settings, **keywords)
    from .asgi import AuthBackend as ASGIBackend

    return ASGIBackend(settings, **keywords)
