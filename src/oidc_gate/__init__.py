"""OpenID Connect sign-in in front of a Python web application: ``app = OIDCGate(app)``.

Public: `OIDCGate`, `AuthBackend`, `Settings`, `Identity`, and the errors. Everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

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

if TYPE_CHECKING:
    from . import asgi, wsgi

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


def OIDCGate(
    app: Any,
    /,
    settings: Settings | None = None,
    *,
    interface: Literal["wsgi", "asgi"] | None = None,
    **keywords: Any,
) -> Any:
    """Put sign-in in front of a WSGI or an ASGI application.

    Args:
        app: A WSGI or an ASGI callable: Flask, Django, FastAPI, Starlette, Litestar, or a plain function.
        settings: Ready-made settings; else `keywords`, ``OIDC_GATE_*`` environment variables and the TOML file
            that ``OIDC_GATE_CONFIG`` names, in this order of precedence.
        interface: ``wsgi`` or ``asgi``, for a callable that does not tell.
        keywords: Settings by name, see `Settings`.

    Returns:
        `oidc_gate.wsgi.OIDCGate` or `oidc_gate.asgi.OIDCGate`.

    Raises:
        ConfigurationError: All faults of the settings at once.
        TypeError: The interface cannot be told.
    """
    from .interface import interface_of

    if (interface or interface_of(app)) == "wsgi":
        from .wsgi import OIDCGate as WSGIGate

        return WSGIGate(app, settings, **keywords)
    from .asgi import OIDCGate as ASGIGate

    return ASGIGate(app, settings, **keywords)


def AuthBackend(
    settings: Settings | None = None, *, interface: Literal["wsgi", "asgi"], **keywords: Any
) -> wsgi.AuthBackend | asgi.AuthBackend:
    """Return the gate's endpoints alone, to mount in an application: `oidc_gate.wsgi.AuthBackend` or the ASGI one.

    Args:
        settings, keywords: As for `OIDCGate`; `public_url` or `trusted_proxies` must be set.
        interface: ``wsgi`` or ``asgi``: what it is mounted in.
    """
    if interface == "wsgi":
        from .wsgi import AuthBackend as WSGIBackend

        return WSGIBackend(settings, **keywords)
    from .asgi import AuthBackend as ASGIBackend

    return ASGIBackend(settings, **keywords)
