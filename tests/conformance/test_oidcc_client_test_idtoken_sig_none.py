"""oidcc-client-test-idtoken-sig-none: the ID token is not signed.

Profile: Basic, Config
Spec: OpenID Connect Core §3.1.3.7 items 6 and 7; RFC 8725 §3.1, §3.2
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


def test_an_unsigned_id_token(party: Party) -> None:
    party.signs_in()
    for alg in ("none", "None", "NONE", "nOnE", ""):
        party.refuses(Fault.ALG_NONE, claim("alg", expected="RS256 .*", got=alg, alg=alg))


def test_discovery_offers_it(party: Party) -> None:
    with party.op.misbehaving(Fault.DISCOVERY_LISTS_NONE_TOO):
        party.signs_in(what="`DISCOVERY_LISTS_NONE_TOO`")
    party.refuses(Fault.ALG_NONE, claim("alg", expected="RS256 .*", got="none"))


def test_nothing_else_is_offered(party: Party) -> None:
    with party.op.misbehaving(Fault.DISCOVERY_ONLY_NONE):
        asked = party.visitor().navigate(party.path("start"))
    assert (asked.status, "<code>discovery_unusable</code>" in asked.text) == (502, True)
    assert "id_token_signing_alg_values_supported offers only none" in party.caplog.text
    party.tried("`DISCOVERY_ONLY_NONE`: refused, `discovery_unusable`")
