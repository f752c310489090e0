"""oidcc-client-test-signing-key-rotation-just-before-signing: the provider changes its keys just before it signs.

Profile: Config
Spec: OpenID Connect Core §10.1.1
"""

from __future__ import annotations

import pytest

from oidc_gate.testing import Fault
from tests.conformance.driver import Party, claim


@pytest.mark.parametrize(
    "fault", [Fault.ROTATED_BEFORE_SIGNING, Fault.ROTATED_WITHOUT_OLD_KEYS, Fault.SAME_KID_NEW_KEY]
)
def test_new_keys(party: Party, fault: Fault) -> None:
    party.signs_in()
    with party.op.misbehaving(fault, times=1):
        party.signs_in(what=f"`{fault.name}`")
    assert party.fetched("/jwks") == 2


def test_a_new_key_that_nobody_published(party: Party) -> None:
    party.signs_in()
    party.refuses(
        Fault.ROTATED_UNPUBLISHED, claim("kid", expected="a key of the provider for ES256", got=".+")
    )
