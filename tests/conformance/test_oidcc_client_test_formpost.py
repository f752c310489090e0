"""oidcc-client-test-formpost: the Basic modules, with the authorization response in a form.

Profile: Form Post (in the suite: every Basic module with `response_mode=form_post`)
Spec: OAuth 2.0 Form Post Response Mode §2
"""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, Party, Refused, claim, query_of

BROKEN = "ES256 that does not verify"


@pytest.fixture
def party(make_party: MakeParty) -> Party:
    return make_party(response_mode="form_post")


def test_the_answer_is_posted(party: Party) -> None:
    browser = party.signs_in(what="form_post")
    (pushed,) = (asked for asked in party.op.requests if asked.path == "/par")
    assert pushed.form["response_mode"] == "form_post"
    assert not [name for name in browser.cookies if "flow" in name]


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault.WRONG_ISS, claim("iss", expected=".*", got=EVIL)),
        (Fault.MISSING_SUB, claim("sub", expected=".*", got="nothing")),
        (Fault.WRONG_AUD, claim("aud", expected="gate", got="another-client")),
        (Fault.MISSING_AUD, claim("aud", expected="gate", got="nothing")),
        (Fault.MISSING_IAT, claim("iat", expected=".*", got="nothing")),
        (Fault.WRONG_NONCE, claim("nonce", expected="the nonce of this sign-in", got="another one")),
        (Fault.BAD_SIGNATURE, claim("signature", expected=".*", got=BROKEN)),
        (Fault.ALG_NONE, claim("alg", expected=".*", got="none")),
        (Fault.ANSWER_WRONG_ISS, Refused("callback_iss", "iss is 'https://evil.example', expected", 400)),
        (Fault.ANSWER_WRONG_STATE, Refused("state_invalid", "state: ", 400)),
        (Fault.ANSWER_ERROR, Refused("access_denied", "the provider's error is 'access_denied'", 403)),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_basic_module(party: Party, fault: Fault, wanted: Refused) -> None:
    party.signs_in(what="form_post")
    party.refuses(fault, wanted)


@pytest.mark.parametrize("fault", [Fault.KID_ABSENT, Fault.KID_ABSENT_SEVERAL_KEYS])
def test_no_kid(party: Party, fault: Fault) -> None:
    with party.op.misbehaving(fault):
        party.signs_in(what=f"`{fault.name}`")


def test_userinfo_of_somebody_else(make_party: MakeParty) -> None:
    party = make_party(provider={"claims_in_id_token": False}, response_mode="form_post")
    party.signs_in(what="form_post")
    party.refuses(Fault.USERINFO_WRONG_SUB, claim("sub", expected="alice", got="mallory", token="userinfo"))


def test_the_answer_in_the_query_is_not_taken(make_party: MakeParty) -> None:
    params: dict[str, Any] = {"response_mode": "form_post", "pushed_authorization_requests": "never"}
    party = make_party(**params)
    browser = party.visitor()
    location = party.begin(browser).replace("response_mode=form_post", "response_mode=query")
    answer = party.come_back(browser, location)
    assert query_of(location)["response_mode"] == "query"
    assert (answer.status, "<code>response_mode_ignored</code>" in answer.text) == (400, True)
    assert party.fetched("/token") == 0
    party.tried("the response in the query instead: refused, `response_mode_ignored`")
