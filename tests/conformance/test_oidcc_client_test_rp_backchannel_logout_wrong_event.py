"""oidcc-client-test-rp-backchannel-logout-wrong-event: the logout token names another event.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-wrong-event`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 6
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from oidc_gate.testing.provider.logout import EVENT
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, claim


def test_wrong_event(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim(
        "events",
        expected=f"an object with {EVENT}",
        got=f"{EVIL}/event: an object",
        token="logout_token",
    )
    party.refuses_logout(Fault.LOGOUT_WRONG_EVENT, wanted)


def test_an_event_that_is_no_object(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("events", expected=f"an object with {EVENT}", got=f"{EVENT}: True", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_EVENT_NOT_OBJECT, wanted)
