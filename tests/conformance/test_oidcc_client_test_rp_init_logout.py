"""oidcc-client-test-rp-init-logout: the user signs out here and at the provider.

Profile: RP-Initiated Logout
Spec: OpenID Connect RP-Initiated Logout §2, §3
"""

from __future__ import annotations

import pytest

from tests.conformance.conftest import MakeParty
from tests.conformance.driver import THERE_TOO


def test_sign_out(make_party: MakeParty) -> None:
    party = make_party(keep_id_token=True)
    alice = party.signs_in()
    answer, asked = party.signs_out(alice)
    assert asked["client_id"] == "gate"
    assert asked["post_logout_redirect_uri"].endswith("/oauth2/signed_out")
    assert asked["id_token_hint"].count(".") == 2
    assert asked["state"]
    assert (answer.status, THERE_TOO in answer.text) == (200, True)
    with pytest.raises(LookupError):
        party.op.sid_of("alice")
    party.tried("sign-out: the session ends here and at the provider, and the page says so")
