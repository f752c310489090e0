"""oidcc-client-test-rp-backchannel-logout-wrong-aud: the logout token is for another client.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-wrong-aud`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 4
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_wrong_aud(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("aud", expected="gate", got="another-client", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_WRONG_AUD, wanted)
