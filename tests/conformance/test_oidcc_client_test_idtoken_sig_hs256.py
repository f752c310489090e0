"""oidcc-client-test-idtoken-sig-hs256: the ID token is signed with HS256 and the client secret.

Profile: (optional)
Spec: OpenID Connect Core §3.1.3.7 item 8; RFC 8725 §3.1
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import claim

HS256 = {"id_token_signed_response_alg": "HS256"}


def test_a_good_signature(make_party: MakeParty) -> None:
    make_party(client=HS256, id_token_algorithms=("HS256",)).signs_in(what="HS256, which is configured")


def test_the_alg_of_the_registration(make_party: MakeParty) -> None:
    party = make_party(client=HS256, id_token_signed_response_alg="HS256")
    party.signs_in(what="HS256, which is in `id_token_signed_response_alg`")
    party.refuses(Fault.OTHER_ALG, claim("alg", expected="HS256", got="RS256", alg="RS256"))


def test_nobody_configured_it(make_party: MakeParty) -> None:
    party = make_party(client=HS256)
    answer = party.come_back(browser := party.visitor(), party.begin(browser))
    party.refused(browser, answer, claim("alg", expected=".*EdDSA Ed25519", got="HS256"))
    party.tried("HS256, signed correctly, but not configured: refused, `id_token_alg`")
