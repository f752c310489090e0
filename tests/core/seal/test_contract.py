"""What 0.1 sealed and signed still opens: names of cookies, purposes, keys and formats are a contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.endpoints.context import Components
from oidc_gate.flow.record import belongs, open_flow, open_state
from oidc_gate.provider.dpop import DPoPKey
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings

SEALED: dict[str, str] = json.loads(Path(__file__).with_name("sealed_by_0_1.json").read_text())
NOW = 1_800_000_000  # when it was sealed
SLOT = 3


def settings(**others: Any) -> Settings:
    given = {
        "issuer": SEALED["issuer"],
        "client_id": SEALED["client_id"],
        "client_secret": "not so secret",
        "cookie_secret": (SEALED["secret"],),
        "public_url": "https://app.example.com",
    }
    return Settings(**(given | others))


@pytest.fixture
def components() -> Components:
    return Components(settings())


def test_a_session_opens(components: Components) -> None:
    given = settings()
    world = World(given, clock=lambda: float(NOW + 1))
    session = run(components.sessions.read(SEALED["session"]), world, lambda limit: b"").session
    assert (session.identity.subject, session.identity.email) == ("alice", "alice@example.com")
    assert (session.identity.groups, session.sid, session.started_at) == (("staff",), "op-sid", NOW)


def test_a_flow_and_its_states_open(components: Components) -> None:
    assert components.cookies.flows[SLOT] == "__Host-oidc_gate.flow3"
    flow = open_flow(components.flow_sealers[SLOT], SEALED["flow"])
    assert flow is not None
    assert (flow.started_at, flow.secret) == (NOW, bytes(range(32)))
    assert (flow.nonce, flow.code_verifier) == (SEALED["nonce"], SEALED["code_verifier"])
    state = open_state(components.state_sealer, SEALED["state"])
    assert (state.started_at, state.slot, state.target) == (NOW, SLOT, "/reports?month=5")
    assert belongs(state, flow)
    assert open_state(components.state_sealer, SEALED["long state"]).target == "/reports?q=" + "x" * 200


def test_signed_tokens_hold(components: Components) -> None:
    tokens = components.sign_out_tokens
    assert tokens.is_signed(SEALED["sign-out form"], "a-session", NOW, max_age_seconds=60)
    assert tokens.is_signed(SEALED["anonymous sign-out form"], "nobody", NOW, max_age_seconds=60)
    assert components.logout_states.is_signed(SEALED["logout state"], "signed_out", NOW, max_age_seconds=60)


def test_the_dpop_key_is_the_same() -> None:
    """A code that 0.1 asked for is bound to this key."""
    assert DPoPKey.of(settings()).thumbprint == SEALED["dpop thumbprint"]
