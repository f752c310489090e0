"""oidcc-client-test-rp-backchannel-logout-without-iat: the logout token has no iat.

Profile: Back-Channel Logout
Spec: OpenID Connect Back-Channel Logout §2.6 item 4
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_without_iat(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("iat", expected="a time in epoch seconds", got="nothing", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_NO_IAT, wanted)


def test_without_exp_or_expired(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    wanted = claim("exp", expected="a time in epoch seconds", got="nothing", token="logout_token")
    party.refuses_logout(Fault.LOGOUT_NO_EXP, wanted)
    party.refuses_logout(
        Fault.LOGOUT_EXPIRED, claim("exp", expected=r"later than \d+", got=r"\d+", token="logout_token")
    )
