"""oidcc-client-test-rp-backchannel-logout-no-event: the logout token has no logout event.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-no-event`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 6
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from oidc_gate.testing.provider.logout import EVENT
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_no_event(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim(
        "events",
        expected=f"an object with {EVENT}",
        got="nothing",
        token="logout_token",
    )
    party.refuses_logout(Fault.LOGOUT_NO_EVENTS, wanted)
