"""Helpers for tests of an application behind the gate. Each name is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oidc_gate.testing.provider import Client, Fault, Person, TestProvider
    from oidc_gate.testing.settings import environ_for_tests, settings_for_tests
    from oidc_gate.testing.signing_in import session_cookie, signed_in

__all__ = [
    "Client",
    "Fault",
    "Person",
    "TestProvider",
    "environ_for_tests",
    "session_cookie",
    "settings_for_tests",
    "signed_in",
]

_MODULES = {
    "signed_in": "signing_in",
    "session_cookie": "signing_in",
    "settings_for_tests": "settings",
    "environ_for_tests": "settings",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"oidc_gate.testing.{_MODULES.get(name, 'provider')}")
    found: object = getattr(module, name)
    return found
