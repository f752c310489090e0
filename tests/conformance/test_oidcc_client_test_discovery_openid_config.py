"""oidcc-client-test-discovery-openid-config: all endpoints come from discovery.

Profile: Config
Spec: OpenID Connect Discovery §4
"""

from __future__ import annotations

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party


def test_addresses_come_from_discovery(make_party: MakeParty) -> None:
    party = make_party(provider={"path": "/tenant"})
    party.signs_in(what="an issuer with a path")
    paths = [asked.path for asked in party.op.requests]
    assert paths[0] == "/tenant/.well-known/openid-configuration"
    assert paths.count(paths[0]) == 1
    party.signs_in()
    assert [asked.path for asked in party.op.requests].count(paths[0]) == 1, "kept, not fetched again"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_what_must_be_there_is_not(party: Party, name: str) -> None:
    with party.op.misbehaving(Fault.DISCOVERY_WITHOUT, name=name):
        asked = party.visitor().navigate(party.path("start"))
    assert (asked.status, "<code>provider_answer</code>" in asked.text) == (502, True)
    assert f"discovery: {name} is missing" in party.caplog.text
    party.tried(f"`DISCOVERY_WITHOUT` {name}: refused, `provider_answer`")
