"""oidcc-client-test-discovery-issuer-mismatch: the discovery document names another issuer.

Profile: Config
Spec: OpenID Connect Discovery §4.3
"""

from __future__ import annotations

import pytest

from oidc_gate.testing import Fault
from tests.conformance.driver import Party


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        (Fault.DISCOVERY_OTHER_ISSUER, "https://evil.example"),
        (Fault.DISCOVERY_ISSUER_WITH_SLASH, "{issuer}/"),
    ],
)
def test_discovery_of_another_issuer(party: Party, fault: Fault, got: str) -> None:
    with party.op.misbehaving(fault):
        asked = party.visitor().navigate(party.path("start"))
    assert (asked.status, "<code>issuer_mismatch</code>" in asked.text) == (502, True)
    got = got.format(issuer=party.op.issuer)
    assert f"discovery: issuer is {got!r}, configured is {party.op.issuer!r}" in party.caplog.text
    party.tried(f"`{fault.name}`: refused, `issuer_mismatch`")
