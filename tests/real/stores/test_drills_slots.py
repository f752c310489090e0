"""Slots move in a cluster while users keep coming to a gate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.redis_server import client_of, redis_cluster
from tests.real.servers import serving
from tests.real.stores.drills import drill
from tests.real.stores.visits import provider_for

pytestmark = pytest.mark.slow


@contextmanager
def gate_with(store: str, directory: Path) -> Iterator[int]:
    port = free_port()
    with provider_for(port) as op:
        env = gate_environment(op.issuer, f"http://localhost:{port}", session_store=store)
        with serving("uvicorn", "tests.real.which_worker:asgi", directory=directory, env=env, port=port):
            yield port


def test_a_slot_moves_in_a_cluster(tmp_path: Path) -> None:
    """The slot of the log of ends, which every process reads, and that of each session."""
    with redis_cluster(tmp_path) as nodes:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        with gate_with(f"redis+cluster://{hosts}", tmp_path) as port, drill(port) as now:
            names = [b"oidc_gate:{ends}:log", *rows_on(nodes)]
            for name in names:
                move(nodes, name)
            now.until(200)


def rows_on(nodes: list[Server]) -> list[bytes]:
    found: list[bytes] = []
    for node in nodes:
        with client_of(node.port) as client:
            found += client.keys("oidc_gate:row:*")
    assert found
    return found


def move(nodes: list[Server], name: bytes) -> None:
    """Move the slot of a key to the next node, as `redis-cli --cluster reshard` does it."""
    ids = []
    for node in nodes:
        with client_of(node.port) as client:
            ids.append(client.execute_command("CLUSTER", "MYID"))
    with client_of(nodes[0].port) as client:
        slot = client.execute_command("CLUSTER", "KEYSLOT", name)
    place = next(number for number, node in enumerate(nodes) if holds(node, slot))
    giver, taker = nodes[place], nodes[(place + 1) % len(nodes)]
    with client_of(giver.port) as giving, client_of(taker.port) as taking:
        taking.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[place])
        giving.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[(place + 1) % len(nodes)])
        keys = giving.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        giving.execute_command("MIGRATE", "127.0.0.1", taker.port, "", 0, 5000, "KEYS", *keys)
    for node in (taker, giver, *nodes):
        with client_of(node.port) as client:
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[(place + 1) % len(nodes)])


def holds(node: Server, slot: int) -> bool:
    with client_of(node.port) as client:
        return int(client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot)) > 0
