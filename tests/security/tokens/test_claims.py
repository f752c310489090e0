"""ID tokens that are rightly signed by our provider, and say what they must not."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party, Refused, claim, query_of

TIME, NUMBER = "a time in epoch seconds", r"\d+"
HASH = claim("at_hash", expected="the hash of the access token", got="another one")


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        pytest.param(Fault.EXPIRED, claim("exp", expected=r"later than \d+", got=NUMBER), id="expired"),
        pytest.param(
            Fault.EXPIRED, claim("exp", expected=r"later than \d+", got=NUMBER, seconds=62), id="just expired"
        ),
        pytest.param(Fault.MISSING_EXP, claim("exp", expected=TIME, got="nothing"), id="no exp"),
        pytest.param(
            Fault.NOT_YET_VALID, claim("nbf", expected=r"at most \d+", got=NUMBER), id="not yet valid"
        ),
        pytest.param(
            Fault.NOT_YET_VALID,
            claim("nbf", expected=r"at most \d+", got=NUMBER, seconds=65),
            id="soon valid",
        ),
        pytest.param(
            Fault.IAT_IN_FUTURE, claim("iat", expected=r"\d+ to \d+", got=NUMBER), id="iat an hour ahead"
        ),
        pytest.param(
            Fault.IAT_IN_FUTURE,
            claim("iat", expected=r"\d+ to \d+", got=NUMBER, seconds=65),
            id="iat a minute ahead",
        ),
        pytest.param(
            Fault.IAT_LONG_AGO, claim("iat", expected=r"\d+ to \d+", got=NUMBER), id="iat a day ago"
        ),
        pytest.param(
            Fault.IAT_LONG_AGO,
            claim("iat", expected=r"\d+ to \d+", got=NUMBER, seconds=662),
            id="iat eleven minutes ago",
        ),
        pytest.param(Fault.TIMES_ARE_TEXT, claim("exp", expected=TIME, got=NUMBER), id="times are text"),
        pytest.param(Fault.AT_HASH_WRONG, HASH, id="at_hash of another access token"),
        pytest.param(
            Fault.WRONG_AZP, claim("azp", expected="gate", got="another-client"), id="azp is another client"
        ),
        pytest.param(
            Fault.SEVERAL_AUD_WITHOUT_AZP,
            claim("azp", expected="gate", got="nothing"),
            id="several audiences, no azp",
        ),
    ],
)
def test_what_it_says_is_wrong(party: Party, fault: Fault, wanted: Refused) -> None:
    party.signs_in()
    party.refuses(fault, wanted)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        (Fault.TIMES_ARE_FLOATS, {}),
        (Fault.UNTRUSTED_AUD, {}),
        (Fault.WRONG_AZP, {"azp": "gate"}),
        (Fault.EXPIRED, {"seconds": 50}),
        (Fault.NOT_YET_VALID, {"seconds": 50}),
        (Fault.IAT_IN_FUTURE, {"seconds": 50}),
        (Fault.IAT_LONG_AGO, {"seconds": 600}),
    ],
)
def test_what_it_says_is_only_odd(party: Party, fault: Fault, params: dict[str, Any]) -> None:
    with party.op.misbehaving(fault, **params):
        party.signs_in()


def test_at_hash_is_not_text(party: Party) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims | {"at_hash": 1}, header)
    browser = party.visitor()
    party.refused(browser, party.come_back(browser, party.begin(browser)), HASH)


def test_max_age_is_held_against_auth_time(make_party: MakeParty) -> None:
    party = make_party(max_age_seconds=300, pushed_authorization_requests="never")
    assert query_of(party.begin(party.visitor()))["max_age"] == "300"
    party.signs_in()
    earliest = r"\d+ or later, and not ahead"
    party.refuses(Fault.AUTH_TIME_OLD, claim("auth_time", expected=earliest, got=NUMBER))
    party.refuses(Fault.AUTH_TIME_OLD, claim("auth_time", expected=earliest, got=NUMBER, seconds=362))
    party.refuses(Fault.AUTH_TIME_OLD, claim("auth_time", expected=earliest, got=NUMBER, seconds=-65))
    party.refuses(Fault.AUTH_TIME_MISSING, claim("auth_time", expected=TIME, got="nothing"))


def test_nobody_asked_for_an_auth_time(party: Party) -> None:
    for fault in (Fault.AUTH_TIME_OLD, Fault.AUTH_TIME_MISSING):
        with party.op.misbehaving(fault):
            party.signs_in()


def test_acr_is_what_was_asked(make_party: MakeParty) -> None:
    party = make_party(acr_values=("2", "1"), pushed_authorization_requests="never")
    assert query_of(party.begin(party.visitor()))["acr_values"] == "2 1"
    party.signs_in()
    assert party.app.identity is not None
    assert party.app.identity.acr == "2"
    party.refuses(Fault.ACR_OTHER, claim("acr", expected="2 or 1", got="something-else"))
    party.refuses(Fault.ACR_MISSING, claim("acr", expected="2 or 1", got="nothing"))


def test_acr_is_less_than_what_was_asked(make_party: MakeParty) -> None:
    party = make_party(provider={"acr_values": ("0",)}, acr_values=("2",))
    browser = party.visitor()
    answer = party.come_back(browser, party.begin(browser))
    party.refused(browser, answer, claim("acr", expected="2", got="0"))


def test_claims_that_are_kept_elsewhere_are_not_fetched(party: Party) -> None:
    elsewhere = {
        "_claim_names": {"groups": "here", "email": "there"},
        "_claim_sources": {
            "here": {"endpoint": f"{party.op.issuer}/stolen", "access_token": "t"},
            "there": {"JWT": party.op.sign({"email": "root@example.com"})},
        },
    }
    party.op.tamper_id_token = lambda claims, header: (claims | elsewhere, header)
    party.signs_in()
    assert party.app.identity is not None
    assert party.app.identity.groups == ()
    assert party.app.identity.email == "alice@example.com"
    assert party.fetched("/stolen") == 0


@pytest.mark.parametrize("nonce", [1, ["a"], {}, ""])
def test_a_nonce_that_is_no_text(party: Party, nonce: object) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims | {"nonce": nonce}, header)
    browser = party.visitor()
    answer = party.come_back(browser, party.begin(browser))
    party.refused(browser, answer, claim("nonce", expected="the nonce of this sign-in", got="another one"))


def test_no_at_hash(party: Party) -> None:
    """Optional in the code flow: Core §3.1.3.8."""
    party.op.tamper_id_token = lambda claims, header: (
        {name: value for name, value in claims.items() if name != "at_hash"},
        header,
    )
    party.signs_in()


@pytest.mark.parametrize(
    ("aud", "wanted"),
    [
        (["gate"], None),
        (["gate", "gate"], None),
        (["other", "another"], claim("aud", expected="gate", got="other another")),
        (["gate", 1], claim("aud", expected="gate", got="a list of 2")),
        ({"gate": 1}, claim("aud", expected="gate", got="an object")),
        (1, claim("aud", expected="gate", got="1")),
    ],
)
def test_shapes_of_aud(party: Party, aud: object, wanted: Refused | None) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims | {"aud": aud}, header)
    if wanted is None:
        party.signs_in()
        return
    browser = party.visitor()
    party.refused(browser, party.come_back(browser, party.begin(browser)), wanted)


@pytest.mark.parametrize("sub", ["", "x" * 256, 7, "tab\tin it", "é"])
def test_a_sub_that_is_no_subject(party: Party, sub: object) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims | {"sub": sub}, header)
    browser = party.visitor()
    answer = party.come_back(browser, party.begin(browser))
    party.refused(
        browser, answer, claim("sub", expected="1 to 255 printable ASCII characters", got="(?s:.*)")
    )


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", [True, -1, 10**15, [], "soon"])
def test_a_time_that_is_none(party: Party, name: str, value: object) -> None:
    party.op.tamper_id_token = lambda claims, header: (claims | {name: value}, header)
    browser = party.visitor()
    answer = party.come_back(browser, party.begin(browser))
    party.refused(browser, answer, claim(name, expected=TIME, got=".+"))
