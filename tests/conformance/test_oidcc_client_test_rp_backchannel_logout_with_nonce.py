"""oidcc-client-test-rp-backchannel-logout-with-nonce: the logout token has a nonce.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-with-nonce`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 7
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_with_nonce(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("nonce", expected="no nonce", got="one", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_WITH_NONCE, wanted)


def test_an_id_token_in_its_place(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("nonce", expected="no nonce", got="one", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_IS_ID_TOKEN, wanted)
