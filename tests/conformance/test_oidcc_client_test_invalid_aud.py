"""oidcc-client-test-invalid-aud: the ID token is for another client.

Profile: Basic
Spec: OpenID Connect Core §3.1.3.7 items 3 to 5
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_id_token_for_another_client(party: Party) -> None:
    party.signs_in()
    party.refuses(Fault.WRONG_AUD, claim("aud", expected="gate", got="another-client"))
    # a name that only begins like ours, or that holds ours
    for aud in ("gat", "gate-admin", "other,gate", "gate gate"):
        party.refuses(Fault.WRONG_AUD, claim("aud", expected="gate", got=aud, aud=aud))
    party.refuses(Fault.EMPTY_AUD, claim("aud", expected="gate", got=""))


def test_an_id_token_for_another_client_too(party: Party) -> None:
    party.refuses(Fault.SEVERAL_AUD_WITHOUT_AZP, claim("azp", expected="gate", got="nothing"))
    with party.op.misbehaving(Fault.UNTRUSTED_AUD):
        party.signs_in(what="`UNTRUSTED_AUD` (another client too, azp is the gate)")
