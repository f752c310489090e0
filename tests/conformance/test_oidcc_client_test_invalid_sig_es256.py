"""oidcc-client-test-invalid-sig-es256: the ES256 signature of the ID token is not valid.

Profile: (optional)
Spec: OpenID Connect Core §3.1.3.7 item 6
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_a_broken_signature(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "ES256"})
    party.signs_in()
    broken = claim("signature", expected="a signature by the provider", got="ES256 that does not verify")
    party.refuses(Fault.BAD_SIGNATURE, broken)
    party.refuses(Fault.EMPTY_SIGNATURE, broken)
