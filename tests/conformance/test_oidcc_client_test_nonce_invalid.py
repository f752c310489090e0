"""oidcc-client-test-nonce-invalid: the ID token has another nonce, or none.

Profile: Basic
Spec: OpenID Connect Core §3.1.3.7 item 11
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_id_token_of_another_sign_in(party: Party) -> None:
    party.signs_in()
    party.refuses(Fault.WRONG_NONCE, claim("nonce", expected="the nonce of this sign-in", got="another one"))
    party.refuses(Fault.MISSING_NONCE, claim("nonce", expected="the nonce of this sign-in", got="nothing"))
