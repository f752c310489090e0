"""oidcc-client-test-rp-backchannel-logout-wrong-issuer: the logout token is of another issuer.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-wrong-iss`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 4
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, claim


def test_wrong_issuer(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("iss", expected=party.op.issuer, got=EVIL, token="logout_token")
    party.refuses_logout(Fault.LOGOUT_WRONG_ISS, wanted)
