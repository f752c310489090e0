"""oidcc-client-test-missing-sub: the ID token has no sub.

Profile: Basic
Spec: OpenID Connect Core §2
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_id_token_without_sub(party: Party) -> None:
    party.signs_in()
    party.refuses(
        Fault.MISSING_SUB, claim("sub", expected="1 to 255 printable ASCII characters", got="nothing")
    )
