"""oidcc-client-test-discovery-jwks-uri-keys: the keys come from the jwks_uri of discovery.

Profile: Config
Spec: OpenID Connect Discovery §3; Core §10.1
"""

from __future__ import annotations

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, Refused, claim


def test_keys_come_from_there(party: Party) -> None:
    party.signs_in()
    party.signs_in()
    assert party.fetched("/jwks") == 1, "kept, not fetched again"


def test_there_are_none(party: Party) -> None:
    party.refuses(Fault.JWKS_EMPTY, claim("kid", expected="a key of the provider for ES256", got=".+"))


def test_it_is_no_key_set(party: Party) -> None:
    party.refuses(Fault.JWKS_NOT_A_SET, Refused("provider_answer", "key set: JSON, but not an object"))
