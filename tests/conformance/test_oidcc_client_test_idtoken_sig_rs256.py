"""oidcc-client-test-idtoken-sig-rs256: the ID token is signed with RS256.

Profile: Basic, Config
Spec: OpenID Connect Core §3.1.3.7 items 6 and 7
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_a_good_signature(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "RS256"}, id_token_algorithms=("RS256",))
    party.signs_in(what="RS256")
    other = {"RS256": "ES256", "ES256": "RS256"}["RS256"]
    party.refuses(Fault.OTHER_ALG, claim("alg", expected="RS256", got=other, alg=other))


def test_the_alg_of_the_registration(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "RS256"}, id_token_signed_response_alg="RS256")
    party.signs_in(what="RS256, which is in `id_token_signed_response_alg`")
    for other in ("ES256", "PS256"):
        party.refuses(Fault.OTHER_ALG, claim("alg", expected="RS256", got=other, alg=other))
    hint = "; compare id_token_signed_response_alg and id_token_algorithms with the client's registration"
    assert hint in party.caplog.text
