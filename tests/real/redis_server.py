"""A real Redis that keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import Server, running


@contextmanager
def redis_server(*, directory: Path, port: int | None = None) -> Iterator[Server]:
    """Run Redis until the block ends.

    Args:
        directory: where its log goes.
        port: on 127.0.0.1; without it, a free one. Naming it lets a test take the store down and bring
            it back.
    """
    (binary,) = need("redis-server")
    port = free_port() if port is None else port
    argv: list[str | Path] = [
        binary,
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with running("redis", argv, port=port, directory=directory) as server:
        yield server
