"""oidcc-client-test-rp-backchannel-logout-without-jti: the logout token has no jti.

Profile: Back-Channel Logout
Spec: OpenID Connect Back-Channel Logout §2.6 item 8
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_without_jti(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("jti", expected="1 to 255 printable ASCII characters", got="nothing", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_NO_JTI, wanted)
