"""oidcc-client-test-missing-aud: the ID token has no aud.

Profile: Basic
Spec: OpenID Connect Core §3.1.3.7 item 3
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_id_token_without_aud(party: Party) -> None:
    party.signs_in()
    party.refuses(Fault.MISSING_AUD, claim("aud", expected="gate", got="nothing"))
