"""oidcc-client-test-rp-backchannel-logout-wrong-alg: the logout token is signed with another alg than was registered.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-wrong-alg`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 3
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_wrong_alg(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True, id_token_algorithms=("ES256",))
    wanted = claim("alg", expected="ES256", got="RS256", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_WRONG_ALG, wanted)


def test_hs256_that_nobody_configured(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("alg", expected="RS256 .*", got="HS256", token="logout_token", alg="HS256")
    party.refuses_logout(Fault.LOGOUT_WRONG_ALG, wanted)


def test_a_broken_signature(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    got = "ES256 that does not verify"
    wanted = claim("signature", expected="a signature by the provider", got=got, token="logout_token")
    party.refuses_logout(Fault.LOGOUT_BAD_SIGNATURE, wanted)
