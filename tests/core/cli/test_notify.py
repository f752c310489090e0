"""What systemd is told: the protocol of sd_notify(3)."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from oidc_gate.cli.notify import notify


@pytest.mark.parametrize("address", ["{}/n", "@oidc-gate-test-{}"])
def test_lines_are_one_datagram(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = address.format(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if name.startswith("@") else name)
        systemd.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1", "STATUS=Listening")
        assert systemd.recv(100) == b"READY=1\nSTATUS=Listening"


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all"])
def test_without_systemd_nothing_happens(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
