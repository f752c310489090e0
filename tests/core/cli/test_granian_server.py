"""What `oidc-gate serve --server granian` adds to granian's server: permissions of the socket, and the reload."""

from __future__ import annotations

import os
from typing import Any

import pytest
from granian.server import Server

from oidc_gate.cli import granian_server
from oidc_gate.testing.settings import settings_for_tests

OLD = settings_for_tests(public_url="https://old.example.com")
NEW = settings_for_tests(public_url="https://new.example.com")


class Loader:
    """Gives the settings of each reload, and notes which ones are served."""

    def __init__(self, *fresh: Any) -> None:
        self.fresh = [*fresh]
        self.ready: list[Any] = []

    def reload(self) -> Any:
        return self.fresh.pop(0)

    def on_ready(self, settings: Any) -> None:
        self.ready.append(settings)


def server(loader: Any, **keywords: Any) -> Any:
    return granian_server._Server(loader, OLD, factory=True, interface="asgi", **keywords)


def test_workers_are_replaced_only_if_the_settings_can_work(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[object] = []

    def reload(self: object, *given: object, **keywords: object) -> None:
        replaced.append((given, keywords))

    monkeypatch.setattr(Server, "signal_handler_reload", reload)
    loader = Loader(None, NEW, None)
    one = server(loader)
    for _ in range(3):
        one.signal_handler_reload(1, frame=None)
    assert loader.ready == [OLD, NEW, NEW]
    assert replaced == [((1,), {"frame": None})]
    assert one.target == granian_server.APPLICATION


@pytest.mark.parametrize(("permissions", "expected"), [(0o600, 0o177), (0o660, 0o117), (0o777, 0), (None, 0)])
@pytest.mark.parametrize("fails", [False, True])
def test_the_socket_has_its_permissions_from_the_beginning(
    permissions: int | None, expected: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[int] = []
    during: list[int] = []

    def umask(number: int) -> int:
        set_to.append(number)
        return 0o022

    def opened(self: object) -> None:
        during.append(set_to[-1])
        if fails:
            raise OSError

    monkeypatch.setattr(os, "umask", umask)
    monkeypatch.setattr(Server, "_init_shared_socket", opened)
    one = server(Loader())
    one.uds_permissions = permissions
    try:
        one._init_shared_socket()
    except OSError:
        assert fails
    assert (set_to, during) == ([expected, 0o022], [expected])
