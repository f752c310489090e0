"""A real Redis or Valkey that keeps nothing, unless it is asked to; a Sentinel group; a cluster."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import Server, running

SLOTS = 16_384


@contextmanager
def redis_server(
    *options: str, directory: Path, port: int | None = None, binary: str = "redis-server", keeps: bool = False
) -> Iterator[Server]:
    """Run Redis until the block ends.

    Args:
        options: further words of the command line.
        directory: where its log goes, and its data if it keeps them.
        port: on 127.0.0.1; without it, a free one. Naming it lets a test take the store down and bring
            it back.
        binary: `redis-server` or `valkey-server`.
        keeps: write every command to the disk before it is answered, and read it back at the next start.
    """
    (program,) = need(binary)
    port = free_port() if port is None else port
    kept = ("--appendonly", "yes", "--appendfsync", "always") if keeps else ("--appendonly", "no")
    argv: list[str | Path] = [
        program,
        *("--bind", "127.0.0.1", "--port", str(port), "--save", "", *kept, "--dir", str(directory)),
        *options,
    ]
    with running("redis", argv, port=port, directory=directory) as server:
        yield server


def client_of(port: int, **options: object) -> redis.Redis:
    """Return a client with an answer within ten seconds."""
    return redis.Redis(port=port, socket_timeout=10, **options)  # type: ignore[arg-type]


def wait_for(what: str, seconds: float = 60) -> Iterator[None]:
    """Loop until the body breaks, or fail."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


class SentinelGroup:
    """A master, two replicas and three Sentinels, which take a master for down after half a second."""

    service = "main"

    def __init__(self, servers: list[Server], sentinels: list[Server]) -> None:
        self.servers, self.sentinels = servers, sentinels

    def master(self) -> Server:
        """Return the server that the Sentinels call the master."""
        with client_of(self.sentinels[0].port) as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return next(server for server in self.servers if server.port == int(port))


@contextmanager
def sentinel_group(directory: Path) -> Iterator[SentinelGroup]:
    """Run a group of six until the block ends."""
    with ExitStack() as stack:
        ports = [free_port() for _ in range(6)]
        folders = [directory / str(port) for port in ports]
        for folder in folders:
            folder.mkdir()
        servers = []
        for port, folder in zip(ports[:3], folders[:3], strict=True):
            follows = ("--replicaof", f"127.0.0.1 {ports[0]}") if port != ports[0] else ()
            options = (*follows, "--repl-diskless-sync-delay", "0")
            servers.append(stack.enter_context(redis_server(*options, directory=folder, port=port)))
        wait_for_replicas(servers[0].port, 2)
        sentinels = []
        for port, folder in zip(ports[3:], folders[3:], strict=True):
            file = folder / "sentinel.conf"
            watched = SentinelGroup.service
            file.write_text(
                f"bind 127.0.0.1\nport {port}\ndir {folder}\n"
                f"sentinel monitor {watched} 127.0.0.1 {ports[0]} 2\n"
                f"sentinel down-after-milliseconds {watched} 500\nsentinel failover-timeout {watched} 3000\n"
            )
            argv: list[str | Path] = [*need("redis-server"), file, "--sentinel"]
            sentinels.append(stack.enter_context(running("sentinel", argv, port=port, directory=folder)))
        group = SentinelGroup(servers, sentinels)
        for sentinel in sentinels:
            wait_for_sentinel(sentinel.port)
        yield group


def wait_for_replicas(port: int, number: int) -> None:
    """Wait until so many replicas have caught up with a master."""
    with client_of(port) as client:
        for _ in wait_for("replicas"):
            found = client.info("replication")
            if sum(found.get(f"slave{n}", {}).get("state") == "online" for n in range(number)) == number:
                return


def wait_for_sentinel(port: int) -> None:
    """Wait until a Sentinel knows the two other Sentinels and both replicas."""
    with client_of(port) as client:
        for _ in wait_for("Sentinels"):
            flat = client.execute_command("SENTINEL", "MASTER", SentinelGroup.service)
            fields = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
            known = {_text(name): _text(value) for name, value in fields.items()}
            if (known["num-other-sentinels"], known["num-slaves"]) == ("2", "2"):
                return


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def redis_cluster(directory: Path) -> Iterator[list[Server]]:
    """Run a cluster of three masters until the block ends."""
    with ExitStack() as stack:
        servers = []
        for port in (_cluster_port() for _ in range(3)):
            folder = directory / str(port)
            folder.mkdir()
            options = (
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "2000",
                "--cluster-config-file",
                "nodes.conf",
            )
            servers.append(stack.enter_context(redis_server(*options, directory=folder, port=port)))
        for number, server in enumerate(servers):
            with client_of(server.port) as client:
                first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        for server in servers:
            with client_of(server.port) as client:
                for _ in wait_for("the cluster"):
                    found = client.execute_command("CLUSTER", "INFO")
                    if "cluster_state:ok" in _flat(found) and "cluster_known_nodes:3" in _flat(found):
                        break
        yield servers


def _flat(info: object) -> str:
    if isinstance(info, dict):
        return "\n".join(f"{_text(key)}:{_text(value)}" for key, value in info.items())
    return _text(info)


def _cluster_port() -> int:
    """Return a free port whose bus port, 10,000 above, is free too."""
    while True:
        port = free_port()
        if port + 10_000 > 65_535:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port
