"""The world: each effect, and what of it may block."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from oidc_gate.effects import AddOnce, Effect, Fetch, Fetched, LastSeen, Now, Random, ReadBody, run
from oidc_gate.provider.client import Provider
from oidc_gate.runtime.world import World

from ..provider import scripted as op


class SlowMarks:
    blocks = True

    def has(self, kinds: Sequence[str]) -> bool:
        return True

    def add_once(self, key: str, until: int, now: int) -> bool:
        return now == 50

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        return now


def test_effects() -> None:
    fetched = op.answer({})
    world = World(
        op.settings(), outbound=lambda _: fetched, clock=lambda: 50.9, entropy=lambda size: b"r" * size
    )
    assert world.perform(Now()) == 50
    assert world.perform(Random(3)) == b"rrr"
    assert world.perform(Fetch("GET", "https://op.example/")) is fetched
    assert world.perform(AddOnce("k", 100)) is True
    assert world.perform(AddOnce("k", 100)) is False
    assert world.perform(LastSeen(("k", "l"))) == 50
    assert world.perform(LastSeen(("l",))) is None
    with pytest.raises(TypeError):
        world.perform(ReadBody(1))


def test_its_own_clock_and_randomness() -> None:
    world = World(op.settings())
    assert world.perform(Now()) > 1_700_000_000
    assert len(world.perform(Random(32))) == 32
    assert world.perform(Random(32)) != world.perform(Random(32))


@pytest.mark.parametrize(
    ("effect", "memory", "slow"),
    [
        (Now(), False, False),
        (Random(1), False, False),
        (Fetch("GET", "https://op.example/"), True, True),
        (AddOnce("k", 1), False, True),
        (LastSeen(("k",)), False, True),
    ],
)
def test_what_blocks(effect: Effect, memory: bool, slow: bool) -> None:
    assert World(op.settings()).blocks(effect) is memory
    assert World(op.settings(), expiring_keys=SlowMarks()).blocks(effect) is slow


def test_it_drives_steps() -> None:
    scripted = op.world()
    world = World(op.settings(), outbound=fetch_from(scripted))
    provider = Provider(op.settings())
    assert run(provider.metadata(), world, lambda _: b"").issuer == op.ISSUER


def fetch_from(scripted: op.Scripted) -> Callable[[Fetch], Fetched]:
    def fetch(effect: Fetch) -> Fetched:
        fetched: Fetched = scripted.perform(effect)
        return fetched

    return fetch


def test_importing_it_loads_nothing_that_takes_its_time() -> None:
    script = """
import sys
import oidc_gate, oidc_gate.runtime.world, oidc_gate.provider.sign_in, oidc_gate.provider.logout
found = {name.partition(".")[0] for name in sys.modules}
print(sorted(found & {"authlib", "requests", "urllib3", "joserfc", "cryptography"}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_the_debug_log_of_authlib_is_mute() -> None:
    script = """
import logging
logging.basicConfig(level=logging.DEBUG)
import oidc_gate.provider.oauth
print(logging.getLogger("authlib.integrations.base_client").isEnabledFor(logging.DEBUG))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
