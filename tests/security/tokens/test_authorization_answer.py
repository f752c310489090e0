"""Answers of the provider that the browser brings and that belong to no sign-in: no code is redeemed for them."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import EVIL, Party, Refused, query_of


def bad(code: str, log: str, status: int = 400, **params: Any) -> Refused:
    return Refused(code, log, status, params)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault.ANSWER_WITHOUT_ISS, bad("callback_iss_missing", "no iss, though discovery promises it")),
        (Fault.ANSWER_WRONG_ISS, bad("callback_iss", f"iss is '{EVIL}', expected 'http://127")),
        (Fault.ANSWER_WITHOUT_STATE, bad("state_missing", "No sign-in can be completed here")),
        (Fault.ANSWER_WRONG_STATE, bad("state_invalid", "state: seal_")),
        (Fault.ANSWER_WITHOUT_CODE, bad("callback_code_missing", "code of 0 characters")),
        (Fault.ANSWER_REPEATED, bad("callback_malformed", "a parameter is repeated")),
        (Fault.ANSWER_REPEATED, bad("callback_malformed", "a parameter is repeated", name="iss")),
        (Fault.ANSWER_REPEATED, bad("callback_malformed", "state is repeated", name="state")),
        (Fault.ANSWER_REPEATED, bad("callback_malformed", "a parameter is repeated", name="code", value="x")),
        (Fault.ANSWER_CODE_AND_ERROR, bad("access_denied", "the provider's error is 'access_denied'", 403)),
        (Fault.ANSWER_ERROR, bad("access_denied", "the provider's error is 'access_denied'", 403)),
        (Fault.ANSWER_ERROR, bad("login_required", ".*", error="login_required")),
        (Fault.ANSWER_ERROR, bad("server_error", ".*", 502, error="server_error")),
        (Fault.ANSWER_ERROR, bad("temporarily_unavailable", ".*", 503, error="temporarily_unavailable")),
        (Fault.ANSWER_ERROR, bad("provider_error", ".* 'made_up'", error="made_up")),
    ],
)
def test_the_answer_is_wrong(party: Party, fault: Fault, wanted: Refused) -> None:
    party.refuses(fault, wanted)
    assert party.fetched("/token") == 0, "no code is redeemed"
    party.signs_in()


def test_what_the_provider_says_is_shown_as_text(party: Party) -> None:
    words = "<script>alert(1)</script>\r\nSet-Cookie: a=b"
    wanted = bad("provider_error", r".*made_up.*<script>", error="made_up", description=words)
    answer = party.refuses(Fault.ANSWER_ERROR, wanted)
    assert "<script>alert" not in answer.text
    assert not [line for line in party.caplog.text.splitlines() if line.startswith("Set-Cookie")]


def test_iss_of_a_provider_that_does_not_promise_it(party: Party) -> None:
    name = "authorization_response_iss_parameter_supported"
    with party.op.misbehaving(Fault.DISCOVERY_WITHOUT, name=name):
        party.signs_in()
    party.refuses(Fault.ANSWER_WRONG_ISS, bad("callback_iss", f"iss is '{EVIL}', expected"))
    with party.op.misbehaving(Fault.ANSWER_WITHOUT_ISS):
        party.signs_in()


def test_an_answer_of_another_browser(party: Party) -> None:
    """CVE-2017-1000069, CVE-2025-68158: the attacker's answer, opened in the victim's browser."""
    attacker, victim = party.visitor(), party.visitor()
    party.begin(victim)
    location = party.begin(attacker)
    callback = attacker.http.get(location, allow_redirects=False, timeout=60).headers["Location"]
    answer = victim.navigate(callback, Sec_Fetch_Site="cross-site")
    party.refused(victim, answer, bad("flow_missing", "no flow cookie fits the state"))
    assert party.fetched("/token") == 0


def test_a_flow_that_took_too_long(party: Party) -> None:
    browser = party.visitor()
    location = party.begin(browser)
    callback = browser.http.get(location, allow_redirects=False, timeout=60).headers["Location"]
    party.ahead += 601
    answer = browser.navigate(callback, Sec_Fetch_Site="cross-site")
    party.refused(browser, answer, bad("flow_expired", "More than ten minutes"))
    assert party.fetched("/token") == 0


def test_the_halves_of_two_flows(make_party: MakeParty) -> None:
    """One browser, two sign-ins: the code of one with the state of the other gives no session."""
    party = make_party(pushed_authorization_requests="never")
    browser = party.visitor()
    first, second = party.begin(browser), party.begin(browser)
    assert query_of(first)["state"] != query_of(second)["state"]
    answers = [
        query_of(browser.http.get(location, allow_redirects=False, timeout=60).headers["Location"])
        for location in (first, second)
    ]
    mixed = f"{party.path('callback')}?code={answers[0]['code']}&state={answers[1]['state']}&iss={party.op.issuer}"
    answer = browser.navigate(mixed, Sec_Fetch_Site="cross-site")
    party.refused(browser, answer, bad("invalid_grant", "token endpoint: status 400, error 'invalid_grant'"))
