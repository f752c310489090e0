"""oidcc-client-test-kid-absent-multiple-jwks: the ID token has no kid, and there are several keys.

Profile: Basic
Spec: OpenID Connect Core §10.1
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty


def test_no_kid_and_several_keys(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "RS256"})
    with party.op.misbehaving(Fault.KID_ABSENT_SEVERAL_KEYS):
        party.signs_in(what="`KID_ABSENT_SEVERAL_KEYS` (the keys are tried one after the other)")
