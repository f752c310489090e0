"""oidcc-client-test-rp-backchannel-logout-wrong-alg: the logout token is signed with an alg that was not registered.

Profile: Back-Channel Logout (in the suite: `-rp-backchannel-rpinitlogout-wrong-alg`)
Spec: OpenID Connect Back-Channel Logout §2.6 item 3
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party, claim

SHARED: dict[str, Any] = {"insecure_single_process_revocation": True}
WRONG = Fault.LOGOUT_WRONG_ALG


def registered_for(make_party: MakeParty, alg: str, **settings: Any) -> Party:
    return make_party(client={"id_token_signed_response_alg": alg}, **SHARED, **settings)


@pytest.mark.parametrize(
    ("registered", "wrong"),
    [("RS256", "ES256"), ("RS256", "PS256"), ("RS256", "RS512"), ("ES256", "RS256"), ("EdDSA", "ES256")],
)
def test_a_token_in_another_alg_than_the_clients(
    make_party: MakeParty, registered: str, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As in the suite: a sign-in, a sign-out at the provider, and the provider's own key for the other algorithm."""
    party = registered_for(make_party, registered, keep_id_token=True)
    alice, elsewhere = party.signs_in(), party.signs_in()
    with party.op.misbehaving(WRONG, alg=wrong):
        answer, _ = party.signs_out(alice)
    assert answer.status == 200
    assert re.search(
        rf"/backchannel_logout: 400: logout_token_alg: .*expected '{registered}.*'{wrong}'", caplog.text
    )
    assert elsewhere.is_on()
    party.tried(
        f"default settings, the client is registered for {registered}, the token of a sign-out at the provider comes "
        f"in {wrong}: 400 `logout_token_alg`, the other session stays, and the sign-out ends on our page"
    )


def test_the_alg_of_the_registration_in_a_process_that_has_seen_no_id_token(make_party: MakeParty) -> None:
    party = registered_for(make_party, "RS256", id_token_signed_response_alg="RS256")
    wanted = claim("alg", expected="RS256", got="ES256", token="logout_token")
    party.refused_logout(party.told(WRONG, sub="alice", alg="ES256"), wanted)
    assert party.told(sub="alice").status == 200
    party.tried("`id_token_signed_response_alg` is set, no sign-in yet: 400 `logout_token_alg`")


def test_before_the_first_id_token_any_of_id_token_algorithms_counts(make_party: MakeParty) -> None:
    party = registered_for(make_party, "RS256", id_token_algorithms=("RS256", "ES256"))
    assert party.told(WRONG, sub="bob", alg="ES256").status == 200
    wanted = claim("alg", expected="RS256 ES256", got="PS256", token="logout_token")
    party.refused_logout(party.told(WRONG, sub="bob", alg="PS256"), wanted)
    party.signs_in()
    wanted = claim("alg", expected="RS256", got="ES256", token="logout_token")
    party.refused_logout(party.told(WRONG, sub="alice", alg="ES256"), wanted)
    party.tried("default settings, no sign-in yet in this process: any of `id_token_algorithms` is accepted")


def test_an_alg_that_the_provider_changed_counts_from_the_next_sign_in(make_party: MakeParty) -> None:
    party = registered_for(make_party, "RS256")
    party.signs_in()
    party.op.register(replace(party.client, id_token_signed_response_alg="ES256"))
    wanted = claim("alg", expected="RS256", got="ES256", token="logout_token")
    party.refused_logout(party.told(sub="alice"), wanted)
    alice = party.signs_in()
    wanted = claim("alg", expected="ES256", got="RS256", token="logout_token")
    party.refused_logout(party.told(WRONG, sub="alice", alg="RS256"), wanted)
    assert alice.is_on()
    assert party.told(sub="alice").status == 200
    assert not alice.is_on()
    party.tried("the provider changes the algorithm: from the next sign-in on, only the new one is accepted")


def test_an_id_token_that_is_refused_decides_nothing(make_party: MakeParty) -> None:
    party = registered_for(make_party, "RS256")
    party.signs_in()
    party.op.register(replace(party.client, id_token_signed_response_alg="ES256"))
    party.refuses(Fault.WRONG_NONCE, claim("nonce", expected="the nonce of this sign-in", got="another one"))
    wanted = claim("alg", expected="RS256", got="ES256", token="logout_token")
    party.refused_logout(party.told(sub="alice"), wanted)


def test_both_names_of_ed25519(make_party: MakeParty) -> None:
    party = registered_for(make_party, "EdDSA")
    alice = party.signs_in()
    assert party.told(WRONG, sub="alice", alg="Ed25519").status == 200
    assert not alice.is_on()
    party = registered_for(make_party, "EdDSA", id_token_signed_response_alg="Ed25519")
    party.signs_in()


def test_an_alg_that_the_settings_leave_out(make_party: MakeParty) -> None:
    party = make_party(id_token_algorithms=("ES256",), **SHARED)
    wanted = claim("alg", expected="ES256", got="RS256", token="logout_token")
    party.refuses_logout(WRONG, wanted)


def test_hs256_that_nobody_configured(make_party: MakeParty) -> None:
    party = make_party(**SHARED)
    wanted = claim("alg", expected="ES256", got="HS256", token="logout_token", alg="HS256")
    party.refuses_logout(WRONG, wanted)


def test_a_broken_signature(make_party: MakeParty) -> None:
    party = make_party(**SHARED)
    got = "ES256 that does not verify"
    wanted = claim("signature", expected="a signature by the provider", got=got, token="logout_token")
    party.refuses_logout(Fault.LOGOUT_BAD_SIGNATURE, wanted)
