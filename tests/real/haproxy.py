"""A real HAProxy with the files of docs/haproxy, on plain http and loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server, running

RECIPE = REPOSITORY / "docs/haproxy"


@contextmanager
def haproxy(*, directory: Path, upstreams: Mapping[int, int]) -> Iterator[Server]:
    """Run HAProxy until the block ends.

    Args:
        directory: a directory of the test.
        upstreams: from a port in the file to the port that really listens.
    """
    (binary,) = need("haproxy")
    port = free_port()
    text = (RECIPE / "haproxy.cfg").read_text()
    for written, real in upstreams.items():
        assert f"127.0.0.1:{written}" in text
        text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{real}")
    for old, new in (
        ("/etc/haproxy/oidc_gate.lua", str(RECIPE / "oidc_gate.lua")),
        ("bind :443 ssl crt /etc/haproxy/tls/app.example.com.pem", f"bind 127.0.0.1:{port}"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = directory / "haproxy.cfg"
    file.write_text(text)
    with running("haproxy", [binary, "-db", "-f", file], port=port, directory=directory) as server:
        yield server
