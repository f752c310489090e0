"""oidcc-client-test-idtoken-sig-es256: the ID token is signed with ES256.

Profile: (optional)
Spec: OpenID Connect Core §3.1.3.7 items 6 and 7
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_a_good_signature(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "ES256"}, id_token_algorithms=("ES256",))
    party.signs_in(what="ES256")
    other = {"RS256": "ES256", "ES256": "RS256"}["ES256"]
    party.refuses(Fault.OTHER_ALG, claim("alg", expected="ES256", got=other, alg=other))
