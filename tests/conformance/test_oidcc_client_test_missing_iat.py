"""oidcc-client-test-missing-iat: the ID token has no iat.

Profile: Basic
Spec: OpenID Connect Core §2, §3.1.3.7 item 10
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_id_token_without_iat(party: Party) -> None:
    party.signs_in()
    party.refuses(
        Fault.MISSING_IAT, claim("iat", expected=r"\d+ to \d+|a time in epoch seconds", got="nothing")
    )
