"""What a test of a gated application needs; each name is loaded when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oidc_gate.testing.provider import Client, Fault, Person, TestProvider

__all__ = ["Client", "Fault", "Person", "TestProvider"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from oidc_gate.testing import provider

    return getattr(provider, name)
