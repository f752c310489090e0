"""Sockets that are remembered."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

Opened = Callable[[], list[socket.socket]]


@pytest.fixture
def watch_sockets(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Remember every socket that is opened after this is called, in the list that it returns."""

    def watch() -> list[socket.socket]:
        opened: list[socket.socket] = []

        class Watched(socket.socket):
            def __init__(self, *given: int) -> None:
                super().__init__(*given)
                opened.append(self)

        monkeypatch.setattr(socket, "socket", Watched)
        return opened

    return watch
