"""A real Caddy around a Caddyfile, on plain http and loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server, running

RECIPE = REPOSITORY / "docs/caddy/Caddyfile"
GLOBAL = """\
{
    admin off
    auto_https off
}
"""


@contextmanager
def caddy(config: str, *, directory: Path, upstreams: Mapping[int, int]) -> Iterator[Server]:
    """Run Caddy until the block ends.

    Args:
        config: a Caddyfile for app.example.com, such as `RECIPE`, or what belongs inside one site; with
            `127.0.0.1:PORT` for each upstream.
        directory: an empty directory of the test; Caddy keeps everything there.
        upstreams: from a port in the text to the port that really listens.
    """
    (binary,) = need("caddy")
    for written, real in upstreams.items():
        config = config.replace(f"127.0.0.1:{written}", f"127.0.0.1:{real}")
    port, site = free_port(), "app.example.com {\n"
    file = directory / "Caddyfile"
    on_loopback = f"http://:{port} {{\n    bind 127.0.0.1\n"
    config = config.replace(site, on_loopback) if site in config else f"{on_loopback}{config}\n}}\n"
    file.write_text(GLOBAL + config)
    env = {"XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory), "HOME": str(directory)}
    argv: list[str | Path] = [binary, "run", "--adapter", "caddyfile", "--config", file]
    with running("caddy", argv, port=port, directory=directory, env=env) as server:
        yield server
