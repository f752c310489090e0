"""Drills with several Redis servers: the master of a Sentinel group is killed, a node of a cluster hangs."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.real.redis_server import client_of, redis_cluster, sentinel_group, wait_for
from tests.real.stores.two_workers import OPTIONS, site

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=OPTIONS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_a_sentinel_group_whose_master_is_killed(kind: str, tmp_path: Path) -> None:
    with sentinel_group(tmp_path) as group:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in group.sentinels)
        with site(kind, f"redis+sentinel://{hosts}/{group.service}", tmp_path) as place:
            master = group.master()
            with client_of(master.port) as client:
                assert client.wait(2, 20_000) == 2
            os.killpg(master.process.pid, signal.SIGKILL)
            for _ in wait_for("another master"):
                place.check_while_broken({200})
                if group.master() is not master:
                    break
            place.check_afterwards(200)


def test_a_cluster_of_which_a_node_is_gone(kind: str, tmp_path: Path) -> None:
    """What is on the other nodes goes on if the cluster does; it comes back with the node."""
    with redis_cluster(tmp_path) as nodes:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        with site(kind, f"redis+cluster://{hosts}", tmp_path) as place:
            os.killpg(nodes[1].process.pid, signal.SIGSTOP)
            try:
                end = time.monotonic() + 4
                while time.monotonic() < end:
                    place.check_while_broken({200})
            finally:
                os.killpg(nodes[1].process.pid, signal.SIGCONT)
            place.check_afterwards(200)
