"""No secret in the `repr` of a value: what a debugger, a traceback with local variables or a careless log shows."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import oidc_gate
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.testing import TestProvider
from tests.secret_watch import SecretWatch
from tests.security.live import LiveSite, client
from tests.security.test_secrets_in_logs import DIALECTS, go_everywhere, sign_in, watch
from tests.shells.site import Shell

__all__ = ["watch"]

# No part of a sign-in, or of what is built around one.
_APART = ("testing", "ext", "cli", "store")


def kinds_of_values() -> Iterator[type[Any]]:
    """Yield every dataclass and named tuple of the package."""
    for found in pkgutil.walk_packages(oidc_gate.__path__, "oidc_gate."):
        if found.name.split(".")[1] not in _APART:
            for kind in list(vars(import_module(found.name)).values()):
                is_ours = isinstance(kind, type) and kind.__module__ == found.name
                if is_ours and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")):
                    yield kind


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect every value that is made."""
    values: list[Any] = []

    def collecting(kind: type[Any]) -> None:
        name = "__new__" if issubclass(kind, tuple) else "__init__"
        function = getattr(kind, name)

        def make(*args: Any, **keywords: Any) -> Any:
            result = function(*args, **keywords)
            values.append(args[0] if name == "__init__" else result)
            return result

        monkeypatch.setattr(kind, name, make)

    for kind in kinds_of_values():
        collecting(kind)
    return values


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_value_of_a_session_s_life_shows_one(
    shell: Shell, dialect: str, watch: SecretWatch, made: list[Any]
) -> None:
    registered, changes = DIALECTS[dialect]
    with TestProvider(clients=[client(**registered)], auto_login="alice") as op:
        visitor = LiveSite(shell, op, **changes).visitor()
        assert sign_in(visitor).status in (302, 303)
        go_everywhere(visitor)
        visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
    assert {"Request", "Reply", "Fetch", "Fetched", "Session", "TokenResponse"} <= {
        type(value).__name__ for value in made
    }
    shown = {type(value).__name__ for value in made if watch.stands_in(repr(value))}
    assert shown == set()


def test_an_exchange_with_the_provider_shows_neither_headers_nor_body() -> None:
    sent = Fetch("POST", "https://op.example/token", (("Authorization", "Basic hunter2"),), b"code=hunter2")
    assert repr(sent).startswith("Fetch(method='POST', url='https://op.example/token', max_bytes=")
    assert "hunter2" not in repr(sent)
    came = Fetched(200, {"set-cookie": "hunter2"}, b'{"access_token": "hunter2"}')
    assert repr(came) == "Fetched(status=200)"
