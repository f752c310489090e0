"""oidcc-client-test-invalid-iss: the ID token is of another issuer.

Profile: Basic
Spec: OpenID Connect Core §3.1.3.7 item 2
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import EVIL, Party, claim


def test_an_id_token_of_another_issuer(party: Party) -> None:
    party.signs_in()
    party.refuses(Fault.WRONG_ISS, claim("iss", expected=party.op.issuer, got=EVIL))
    party.refuses(Fault.MISSING_ISS, claim("iss", expected=party.op.issuer, got="nothing"))
