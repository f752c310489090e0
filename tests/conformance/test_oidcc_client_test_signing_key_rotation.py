"""oidcc-client-test-signing-key-rotation: the provider changes its keys between two sign-ins.

Profile: Config
Spec: OpenID Connect Core §10.1.1
"""

from __future__ import annotations

import pytest

from tests.conformance.driver import Party


@pytest.mark.parametrize("keep_old", [True, False])
def test_new_keys(party: Party, keep_old: bool) -> None:
    party.signs_in()
    party.op.rotate_keys(keep_old=keep_old)
    party.signs_in(
        what="new keys, the old ones still published" if keep_old else "new keys, the old ones gone"
    )
    assert party.fetched("/jwks") == 2
