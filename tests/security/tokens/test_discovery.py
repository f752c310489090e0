"""Discovery that is down, slow, or says what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party
from tests.shells.driving import Answer

HOUR = 3600


def start(party: Party) -> Answer:
    return party.visitor().navigate(party.path("start"))


def is_refused(party: Party, answer: Answer, status: int, code: str) -> bool:
    assert answer.status == status, (answer.status, party.caplog.text)
    assert not answer.all("set-cookie")
    assert not party.app.seen
    assert (answer.header("retry-after") != "") is (status == 503)
    return f"<code>{code}</code>" in answer.text


def test_down_at_start_then_up(party: Party) -> None:
    party.op.stop()
    assert is_refused(party, start(party), 503, "provider_unreachable")
    asked = party.visitor().navigate("/")
    assert (asked.status, asked.is_page) == (401, True), "the page stands; the button says that it is down"
    party.op.start()
    party.ahead += 11
    party.signs_in()


def test_down_for_an_hour(make_party: MakeParty) -> None:
    party = make_party(pushed_authorization_requests="never", session_idle_seconds=2 * HOUR)
    early = party.signs_in()
    party.op.stop()
    party.ahead += HOUR + 60
    assert early.is_on(), "nobody who is signed in needs the provider"
    location = party.begin(party.visitor())
    assert location.startswith(f"{party.op.issuer}/authorize?"), "the old metadata serve"
    assert "the earlier answer stays in use" in party.caplog.text
    party.op.start()
    party.signs_in()


def test_stale_metadata_is_served_while_discovery_is_down(party: Party) -> None:
    party.signs_in()
    before = party.fetched("/.well-known/openid-configuration")
    party.ahead += HOUR + 60
    with party.op.misbehaving(Fault.SERVER_ERROR, at="discovery"):
        party.signs_in()
        party.signs_in("bob")
    assert party.fetched("/.well-known/openid-configuration") == before + 1, "not asked at every sign-in"
    assert "the earlier answer stays in use" in party.caplog.text
    party.ahead += 11
    party.signs_in()
    assert party.fetched("/.well-known/openid-configuration") == before + 2


def test_a_stale_issuer_does_not_change_hands(party: Party) -> None:
    party.signs_in()
    party.ahead += HOUR + 60
    with party.op.misbehaving(Fault.DISCOVERY_OTHER_ISSUER):
        party.signs_in()
    assert "issuer_mismatch" in party.caplog.text


def test_slow(party: Party) -> None:
    with party.op.misbehaving(Fault.SLOW, at="discovery", seconds=60), party.hurried():
        assert is_refused(party, start(party), 503, "provider_timeout")
        assert is_refused(party, start(party), 503, "provider_timeout"), "and nobody waits for it again"
    assert party.fetched("/.well-known/openid-configuration") == 1
    party.ahead += 11
    party.signs_in()


@pytest.mark.parametrize(
    ("algorithms", "taken"),
    [(["none"], False), (["HS512", "none"], False), (["HS256"], False), (["ES256K"], False), ([], True)],
)
def test_only_algorithms_that_we_refuse(party: Party, algorithms: list[str], taken: bool) -> None:
    name = "id_token_signing_alg_values_supported"
    with party.op.misbehaving(Fault.DISCOVERY_WITH, name=name, value=algorithms):
        if taken:
            party.signs_in()
        else:
            assert is_refused(party, start(party), 502, "discovery_unusable")
            assert f"discovery: {name} offers only {', '.join(algorithms)}" in party.caplog.text


@pytest.mark.parametrize(
    ("fault", "params", "code"),
    [
        (Fault.REDIRECTS, {}, "provider_redirect"),
        (Fault.HTML, {}, "provider_answer"),
        (Fault.EMPTY_BODY, {}, "provider_answer"),
        (Fault.HUGE_BODY, {}, "answer_too_large"),
        (Fault.JSON_LIST, {}, "provider_answer"),
        (Fault.DEEP_JSON, {}, "provider_answer"),
    ],
)
def test_nonsense(party: Party, fault: Fault, params: dict[str, Any], code: str) -> None:
    with party.op.misbehaving(fault, at="discovery", **params):
        assert is_refused(party, start(party), 502, code)
    assert party.fetched("/elsewhere") == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_endpoint", "http://evil.example/token"),
        ("token_endpoint", "https://user:pw@evil.example/token"),
        ("jwks_uri", "file:///etc/passwd"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("response_types_supported", ["id_token"]),
        ("code_challenge_methods_supported", ["plain"]),
    ],
)
def test_what_cannot_be_used(party: Party, name: str, value: object) -> None:
    with party.op.misbehaving(Fault.DISCOVERY_WITH, name=name, value=value):
        answer = start(party)
    code = "provider_answer" if isinstance(value, str) else "discovery_unusable"
    assert is_refused(party, answer, 502, code)
    assert name in party.caplog.text
