"""A token endpoint, and a userinfo endpoint, in trouble: nobody is signed in, and the page says whose fault it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.testing import Fault
from tests.conformance.conftest import MakeParty
from tests.conformance.driver import Party, Refused

WHAT = "token endpoint: "
NOT_JSON = Refused("provider_answer", WHAT + "status 200, .* bytes that are not JSON")


def away(code: str, log: str, **params: Any) -> Refused:
    return Refused(code, log, 503, params)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        pytest.param(
            Fault.REDIRECTS, Refused("provider_redirect", WHAT + "status 307"), id="a redirect to ourselves"
        ),
        pytest.param(
            Fault.REDIRECTS,
            Refused("provider_redirect", WHAT + "status 302", params={"status": 302}),
            id="a redirect that would become GET",
        ),
        pytest.param(
            Fault.HTML,
            Refused("provider_answer", WHAT + "status 200, content type 'text/html'"),
            id="200 with a page",
        ),
        pytest.param(Fault.EMPTY_BODY, NOT_JSON, id="200 with nothing"),
        pytest.param(Fault.NOT_JSON, NOT_JSON, id="broken JSON"),
        pytest.param(Fault.DEEP_JSON, NOT_JSON, id="JSON too deep"),
        pytest.param(Fault.JSON_LIST, Refused("provider_answer", WHAT + "JSON, but not an object"), id="a list"),
        pytest.param(
            Fault.HUGE_BODY, Refused("answer_too_large", "POST .*/token: more than 524288 bytes"), id="50 MB"
        ),
        pytest.param(
            Fault.ENDLESS_BODY, Refused("answer_too_large", ".*more than 524288 bytes"), id="without end"
        ),
        pytest.param(Fault.NO_ID_TOKEN, Refused("id_token_missing", WHAT + "no id_token"), id="no id_token"),
        pytest.param(
            Fault.NO_ACCESS_TOKEN, Refused("provider_answer", WHAT + "no usable access_token"), id="no access token"
        ),
        pytest.param(
            Fault.WRONG_TOKEN_TYPE,
            Refused("provider_answer", WHAT + "token_type is 'mac', expected Bearer"),
            id="mac",
        ),
        pytest.param(
            Fault.TOKEN_ERROR,
            Refused("invalid_grant", WHAT + "status 400, error 'invalid_grant'", 400),
            id="invalid_grant",
        ),
        pytest.param(
            Fault.TOKEN_ERROR,
            Refused(
                "invalid_client",
                WHAT + "status 401, error 'invalid_client'.*compare client_id",
                params={"error": "invalid_client", "status": 401},
            ),
            id="invalid_client",
        ),
        pytest.param(
            Fault.SERVER_ERROR, away("provider_failing", WHAT + "status 500"), id="500"
        ),
        pytest.param(Fault.DISCONNECTS, away("provider_unreachable", "POST .*/token"), id="hangs up"),
        pytest.param(Fault.TRUNCATED, away("provider_unreachable", "POST .*/token"), id="cut off"),
    ],
)  # fmt: skip
def test_the_token_endpoint_answers_nonsense(party: Party, fault: Fault, wanted: Refused) -> None:
    answer = party.refuses(fault, wanted)
    assert (answer.header("retry-after") != "") is (wanted.status == 503)
    assert party.fetched("/token") == 1, "a code is sent once"
    assert party.fetched("/elsewhere") == 0, "the secret does not follow a redirect"
    party.signs_in()


def test_a_bearer_token_is_not_taken_where_a_bound_one_was_asked_for(make_party: MakeParty) -> None:
    party = make_party(client={"dpop_bound_access_tokens": True}, dpop=True)
    wanted = Refused("provider_answer", WHAT + "token_type is 'bearer', expected DPoP")
    party.refuses(Fault.WRONG_TOKEN_TYPE, replace(wanted, params={"token_type": "Bearer"}))
    party.signs_in()


@pytest.mark.parametrize(("said", "header"), [(7, "7"), (100_000, "3600"), ("soon", "10"), (0, "1")])
def test_too_many_requests(party: Party, said: object, header: str) -> None:
    wanted = away("provider_busy", WHAT + "status 429", retry_after=said)
    assert party.refuses(Fault.TOO_MANY_REQUESTS, wanted).header("retry-after") == header


@pytest.mark.parametrize(
    ("fault", "params"), [(Fault.HANGS, {}), (Fault.SLOW, {"seconds": 60}), (Fault.DRIPS, {"seconds": 0.1})]
)
def test_the_whole_exchange_has_one_deadline(party: Party, fault: Fault, params: dict[str, Any]) -> None:
    party.signs_in()
    wanted = away("provider_timeout", "POST .*/token: no answer in time", **params)
    with party.hurried():
        assert party.refuses(fault, wanted).header("retry-after") == "10"


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault.REDIRECTS, Refused("provider_redirect", "userinfo: status 307")),
        (Fault.HTML, Refused("provider_answer", "userinfo: .*text/html")),
        (Fault.SERVER_ERROR, away("provider_failing", "userinfo: status 500")),
        (Fault.HUGE_BODY, Refused("answer_too_large", "GET .*/userinfo: more than")),
        (Fault.JSON_LIST, Refused("provider_answer", "userinfo: JSON, but not an object")),
    ],
)
def test_userinfo_answers_nonsense(make_party: MakeParty, fault: Fault, wanted: Refused) -> None:
    # A rule needs its claims; where none does, the sign-in goes on without them.
    party = make_party(provider={"claims_in_id_token": False}, allowed_email_domains=("example.com",))
    party.refuses(fault, Refused(wanted.code, wanted.log, wanted.status, {"at": "userinfo"}))
    assert party.fetched("/elsewhere") == 0
    party.signs_in()
