"""Recognizes whether an application is WSGI or ASGI, and mistakes in wrapping it."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

log = logging.getLogger("oidc_gate")

Interface: TypeAlias = Literal["wsgi", "asgi"]
INTERFACES: tuple[Interface, ...] = ("wsgi", "asgi")

_MAX_LAYERS = 32  # of decorators; no real application has as many
_NAMES = {"wsgi": "a WSGI", "asgi": "an ASGI"}
# Frameworks whose own command serves the application object that it finds in a module, and how to gate that.
_SERVED_BY_COMMAND = {
    "flask": "write flask_app.wsgi_app = OIDCGate(flask_app.wsgi_app)",
    "quart": "write quart_app.asgi_app = OIDCGate(quart_app.asgi_app)",
    "fastapi": "write fastapi_app.add_middleware(OIDCGate)",
    "litestar": "serve the gated object with the command of an ASGI server, such as uvicorn",
}


class GatedApplication:
    """The base of both `OIDCGate` classes. It has none of the attributes of the application."""

    _keep_methods: str
    """The line to write so that the application keeps its own methods, for the message of an error."""

    if not TYPE_CHECKING:  # so that type checkers refuse `app.run()` as well

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"OIDCGate has no attribute {name!r}: it is the gate in front of the application, not the "
                f"application. Fix: to keep the application's own methods, such as run(), write {self._keep_methods}."
            )


def detect_interface(app: Any) -> Interface:
    """Return the interface of `app`, which may be decorated, a partial, a bound method or an instance.

    Raises:
        TypeError: `app` cannot be called, or its interface cannot be recognized.
    """
    _validate_callable(app)
    found = _detect(app)
    if found is None:
        raise TypeError(
            f"OIDCGate cannot recognize whether {app!r} is a WSGI or an ASGI application. "
            'Fix: write OIDCGate(app, interface="wsgi") or OIDCGate(app, interface="asgi").'
        )
    return found


def validate_interface(interface: object) -> None:
    """Raise an error unless `interface` is one of `INTERFACES`.

    Raises:
        ValueError: It is something else.
    """
    if interface not in INTERFACES:
        raise ValueError(f'interface is {interface!r}. Fix: write interface="wsgi" or interface="asgi".')


def validate_app(app: Any, interface: Interface) -> None:
    """Check an application before a gate of `interface` is put in front of it, as far as the object shows.

    Raises:
        TypeError: `app` cannot be called, has the other interface, or is behind a gate already.
    """
    _validate_callable(app)
    if _is_gated(app):
        raise TypeError(
            f"{app!r} is behind a gate already. Fix: put OIDCGate in front of it once, in one place."
        )
    found = _detect(app)
    if found not in (None, interface):
        raise TypeError(
            f"{app!r} is {_NAMES[str(found)]} application, and this is the gate for {_NAMES[interface]} one. "
            f"Fix: write OIDCGate(app) without interface, or oidc_gate.{found}.OIDCGate(app)."
        )
    _warn_if_served_without_gate(app)


def _validate_callable(app: Any) -> None:
    if not callable(app):
        raise TypeError(
            f"OIDCGate got {app!r}, which is not a WSGI or an ASGI application. Fix: give it the application object."
        )


def _detect(app: Any) -> Interface | None:
    """Return the interface, or None if it cannot be recognized.

    The outermost layer is called, so it decides if its parameters are fixed. Only a decorator with ``*args`` leaves
    the decision to what it wraps.
    """
    layer = app
    for _ in range(_MAX_LAYERS):
        is_function = (
            inspect.isclass(layer) or inspect.isroutine(layer) or isinstance(layer, functools.partial)
        )
        function = layer if is_function else layer.__call__
        if inspect.iscoroutinefunction(function):
            return "asgi"
        match _required_parameters(function):
            case 2:
                return "wsgi"
            case 3:
                return "asgi"
        layer = _wrapped_by(layer, function)
        if layer is None:
            return None
    return None


def _wrapped_by(layer: Any, function: Any) -> Any:
    """Return the next layer inside, or None if there is none."""
    if isinstance(layer, functools.partial):
        return None if layer.args or layer.keywords else layer.func
    inner = getattr(function, "__wrapped__", None)
    if inner is not None and inspect.ismethod(function):
        return MethodType(inner, function.__self__)  # the decorator received the function before it was bound
    return inner or getattr(layer, "__wrapped__", None)


def _required_parameters(function: Any) -> int | None:
    """Return how many positional arguments are required, or None if that is not fixed."""
    try:
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
        for parameter in parameters
    )


def _is_gated(app: Any) -> bool:
    """Return whether `app` is a gate, or has one as its callable or in its middleware."""
    members = getattr(app, "__dict__", {})
    if any(
        isinstance(found, GatedApplication)
        for found in (app, members.get("wsgi_app"), members.get("asgi_app"))
    ):
        return True
    middleware = members.get("user_middleware")  # of Starlette and FastAPI
    return isinstance(middleware, list) and any(
        _is_gate_class(getattr(each, "cls", None)) for each in middleware
    )


def _is_gate_class(found: Any) -> bool:
    package, _, _ = str(getattr(found, "__module__", "")).partition(".")
    return package == "oidc_gate" and getattr(found, "__name__", "") == "OIDCGate"


def _warn_if_served_without_gate(app: Any) -> None:
    """Log at CRITICAL if a framework's command runs, because it serves the framework's object, which is not gated."""
    for package, fix in _SERVED_BY_COMMAND.items():
        if any(base.__module__.partition(".")[0] == package for base in type(app).__mro__) and _runs(package):
            log.critical(
                "the command %s serves this %s object WITHOUT the gate: it searches the module for such an object, "
                "and does not see the OIDCGate around it. Fix: %s.",
                package, type(app).__name__, fix,
            )  # fmt: skip


def _runs(package: str) -> bool:
    """Return whether this process is the command of the framework, or the child of its reloader."""
    directory, program = os.path.split(sys.argv[0] if sys.argv else "")
    name = os.path.splitext(program)[0]
    is_command = name == package or (name == "__main__" and os.path.basename(directory) == package)
    return is_command or bool(os.environ.get(f"{package.upper()}_RUN_FROM_CLI"))
