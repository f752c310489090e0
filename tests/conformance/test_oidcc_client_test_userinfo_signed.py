"""oidcc-client-test-userinfo-signed: userinfo is a signed JWT.

Profile: Dynamic
Spec: OpenID Connect Core §5.3.2
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, claim


def test_signed_userinfo(make_party: MakeParty) -> None:
    party = make_party(provider={"claims_in_id_token": False})
    with party.op.misbehaving(Fault.USERINFO_SIGNED):
        party.signs_in(what="`USERINFO_SIGNED`")
    assert party.app.identity is not None
    assert party.app.identity.email == "alice@example.com"
    broken = "ES256 that does not verify"
    for fault, wanted in (
        (Fault.USERINFO_SIGNED_BADLY, claim("signature", expected=".*", got=broken, token="userinfo")),
        (Fault.USERINFO_UNSIGNED_JWT, claim("alg", expected="RS256 .*", got="none", token="userinfo")),
        (
            Fault.USERINFO_SIGNED_WRONG_ISS,
            claim("iss", expected=party.op.issuer, got=EVIL, token="userinfo"),
        ),
        (
            Fault.USERINFO_SIGNED_WRONG_AUD,
            claim("aud", expected="gate", got="another-client", token="userinfo"),
        ),
    ):
        party.refuses(fault, wanted)
