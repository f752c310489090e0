"""oidcc-client-test-rp-backchannel-logout-replayed: the same logout token is sent again.

Profile: Back-Channel Logout
Spec: OpenID Connect Back-Channel Logout §2.6 item 8
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_replayed(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    browser = party.signs_in()
    with party.op.misbehaving(Fault.LOGOUT_REPLAYED_JTI):
        assert party.told(sub="alice").status == 200
        assert not browser.is_on()
        party.ahead += 2
        again = party.signs_in()
        wanted = claim(
            "jti", expected="a logout token that was not used", got="a replay", token="logout_token"
        )
        party.refused_logout(party.told(sub="alice"), wanted)
        assert again.is_on()
        # remembered for as long as the token could be shown
        party.ahead += 170
        party.refused_logout(party.told(sub="alice"), wanted)
    party.tried("`LOGOUT_REPLAYED_JTI`: the first is accepted, the second gets 400 `logout_token_jti`")
