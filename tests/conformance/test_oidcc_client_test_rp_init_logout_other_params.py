"""oidcc-client-test-rp-init-logout-other-params: the redirect after sign-out has further parameters.

Profile: RP-Initiated Logout
Spec: OpenID Connect RP-Initiated Logout §2, §3
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import THERE_TOO


def test_sign_out_other_params(make_party: MakeParty) -> None:
    party = make_party(keep_id_token=True)
    alice = party.signs_in()
    with party.op.misbehaving(Fault.END_SESSION_OTHER_PARAMS):
        answer, _ = party.signs_out(alice)
    assert (answer.status, THERE_TOO in answer.text) == (200, True)
    assert "evil.example" not in answer.text
    party.tried("`END_SESSION_OTHER_PARAMS`: signed out, the other parameters are ignored")
