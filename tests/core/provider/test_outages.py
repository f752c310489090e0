"""Endpoints that did not answer: what is remembered of them, and for how long."""

from __future__ import annotations

import pytest

from oidc_gate.effects import Fetch, Fetched
from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.provider.outages import Outages

from .scripted import START, Scripted, answer

URL = "https://op.example/token"
REQUEST = Fetch("POST", URL)


def timeout(seconds: float = 0) -> ProviderUnavailable:
    return ProviderUnavailable("provider_timeout", "Away.", detail="too slow", retry_after_seconds=seconds)


def fail(outages: Outages, error: Exception, name: str = "token", now: int = START) -> None:
    with pytest.raises(type(error)) as caught:
        Scripted({URL: error}, now).drive(outages.fetch(name, REQUEST))
    assert caught.value is error


@pytest.mark.parametrize(("later", "wait"), [(0, 10), (1, 9), (9, 1)])
def test_a_timeout_is_remembered_for_ten_seconds(later: int, wait: int) -> None:
    outages, error = Outages(), timeout()
    outages.check("token", START)
    fail(outages, error)
    with pytest.raises(ProviderUnavailable) as caught:
        outages.check("token", START + later)
    assert caught.value is not error
    found = caught.value
    assert (found.code, found.public_message, found.detail, found.retry_after_seconds) == (
        *("provider_timeout", "Away.", "too slow"),
        wait,
    )
    outages.check("userinfo", START + later)  # another endpoint may answer


@pytest.mark.parametrize("later", [10, 11, -1])
def test_a_timeout_of_long_ago_or_of_the_future_does_not_count(later: int) -> None:
    outages = Outages()
    fail(outages, timeout())
    outages.check("token", START + later)


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable("provider_unreachable", "Away."),
        ProviderUnavailable("provider_failing", "Away."),
        ProviderError("provider_answer", "Odd."),
    ],
)
def test_other_failures_are_not_remembered(error: GateError) -> None:
    outages = Outages()
    fail(outages, error)
    outages.check("token", START)


def test_an_answer_ends_an_outage() -> None:
    outages, given = Outages(), answer({})
    fail(outages, timeout())
    assert Scripted({URL: given}).drive(outages.fetch("token", REQUEST)) is given
    outages.check("token", START)
    fail(outages, timeout())
    with pytest.raises(ProviderUnavailable):
        outages.check("token", START)


@pytest.mark.parametrize(("answered", "is_remembered"), [("token", False), ("userinfo", True)])
def test_a_timeout_while_another_request_was_answered(answered: str, is_remembered: bool) -> None:
    outages = Outages()

    def meanwhile(_: Fetch) -> Fetched:
        Scripted({URL: answer({})}).drive(outages.fetch(answered, REQUEST))
        raise timeout()

    with pytest.raises(ProviderUnavailable):
        Scripted({URL: meanwhile}).drive(outages.fetch("token", REQUEST))
    if is_remembered:
        with pytest.raises(ProviderUnavailable):
            outages.check("token", START)
    else:
        outages.check("token", START)
