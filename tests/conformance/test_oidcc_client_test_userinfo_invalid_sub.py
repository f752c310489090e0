"""oidcc-client-test-userinfo-invalid-sub: userinfo has the claims of another user.

Profile: Basic
Spec: OpenID Connect Core §5.3.2
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim


def test_userinfo_of_somebody_else(make_party: MakeParty) -> None:
    party = make_party(provider={"claims_in_id_token": False})
    party.signs_in()
    party.refuses(Fault.USERINFO_WRONG_SUB, claim("sub", expected="alice", got="mallory", token="userinfo"))
    party.refuses(Fault.USERINFO_MISSING_SUB, claim("sub", expected="alice", got="None", token="userinfo"))
