"""oidcc-client-test-kid-absent-single-jwks: the ID token has no kid, and there is one key.

Profile: Basic
Spec: OpenID Connect Core §10.1
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party, claim


def test_no_kid_and_one_key(make_party: MakeParty) -> None:
    party = make_party(client={"id_token_signed_response_alg": "RS256"})
    with party.op.misbehaving(Fault.KID_ABSENT):
        party.signs_in(what="`KID_ABSENT`")


def test_no_kid_and_a_stranger_s_signature(party: Party) -> None:
    party.signs_in()
    party.op.tamper_id_token = lambda claims, header: (claims, {"alg": header["alg"]})
    wanted = claim("signature", expected="a signature by the provider", got="ES256 that does not verify")
    party.refuses(Fault.SIGNED_BY_STRANGER, wanted)
