"""oidcc-client-test-rp-backchannel-logout-alg-none: the logout token is not signed.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-alg-none`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 3
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_alg_none(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("alg", expected="ES256", got="none", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_ALG_NONE, wanted)
