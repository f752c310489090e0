"""oidcc-client-test-rp-init-logout-invalid-state: the redirect after sign-out has another state.

Profile: RP-Initiated Logout (in the suite: `-rp-init-logout-other-state`)
Spec: OpenID Connect RP-Initiated Logout §2, §3
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import THERE_TOO


def test_sign_out_invalid_state(make_party: MakeParty) -> None:
    party = make_party(keep_id_token=True)
    alice = party.signs_in()
    with party.op.misbehaving(Fault.END_SESSION_WRONG_STATE):
        answer, _ = party.signs_out(alice)
    assert (answer.status, THERE_TOO in answer.text) == (200, False)
    assert "logout_state: the state is not one that the gate sent" in party.caplog.text
    party.tried(
        "`END_SESSION_WRONG_STATE`: signed out here; the page does not claim more, and the log says why"
    )
